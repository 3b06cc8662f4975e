import com.aliyun.teaopenapi.Client;
import com.aliyun.teaopenapi.models.Config;
import com.aliyun.teaopenapi.models.OpenApiRequest;
import com.aliyun.teaopenapi.models.Params;
import com.aliyun.teautil.models.RuntimeOptions;
import java.util.HashMap;
import java.util.Map;

/** Calls all operations through the official SDK for Java. Usage: java Scenario 127.0.0.1:8080 */
public class Scenario {
    private static Client client;

    public static void main(String[] arguments) throws Exception {
        client = new Client(new Config()
                .setAccessKeyId("mock-access-key-id")
                .setAccessKeySecret("mock-access-key-secret")
                .setEndpoint(arguments[0])
                .setProtocol("HTTP"));
        String id = (String) call("CreateEdgeTranscodeJob", Map.of(
                "Name", "java-1", "TemplateId", "tpl-h264-720p",
                "StreamInput", "rtmp://in.example.com/app/a b",
                "StreamOutput", "rtmp://out.example.com/app/s")).get("JobId");
        call("StartEdgeTranscodeJob", Map.of("JobId", id));
        Map<?, ?> job = (Map<?, ?>) call("GetEdgeTranscodeJob", Map.of("JobId", id)).get("Job");
        if (!job.get("Status").equals("1") || !job.get("StreamInput").equals("rtmp://in.example.com/app/a b")) {
            throw new AssertionError(job);
        }
        call("StopEdgeTranscodeJob", Map.of("JobId", id));
        call("UpdateEdgeTranscodeJob", Map.of("JobId", id, "Name", "java-2"));
        call("ListEdgeTranscodeJob", Map.of("Keyword", "java-2"));
        call("GetEdgeTranscodeTemplate", Map.of("TemplateId", "tpl-uhd-4k"));
        call("ListEdgeTranscodeTemplate", Map.of());
        call("DescribeLiveStreamState",
                Map.of("DomainName", "out.example.com", "AppName", "app", "StreamName", "s"));
        call("DeleteEdgeTranscodeJob", Map.of("JobId", id));
    }

    private static Map<?, ?> call(String action, Map<String, String> parameters) throws Exception {
        Map<String, Object> query = new HashMap<>(parameters);
        query.put("ClusterId", "cluster-1");
        Params params = new Params()
                .setAction(action)
                .setVersion("2016-11-01")
                .setProtocol("HTTP")
                .setPathname("/")
                .setMethod("POST")
                .setAuthType("AK")
                .setStyle("RPC")
                .setReqBodyType("formData")
                .setBodyType("json");
        OpenApiRequest request = new OpenApiRequest()
                .setQuery(com.aliyun.openapiutil.Client.query(query));
        return (Map<?, ?>) client.callApi(params, request, new RuntimeOptions()).get("body");
    }
}
