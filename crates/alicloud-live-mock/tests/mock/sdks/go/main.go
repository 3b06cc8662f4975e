// Calls all operations through the official SDK for Go. Usage: scenario 127.0.0.1:8080
package main

import (
	"fmt"
	"os"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	"github.com/alibabacloud-go/tea/dara"
)

type values map[string]string

func main() {
	endpoint := os.Args[1]
	client, err := openapi.NewClient(&openapi.Config{
		AccessKeyId:     dara.String("mock-access-key-id"),
		AccessKeySecret: dara.String("mock-access-key-secret"),
		Endpoint:        &endpoint,
		Protocol:        dara.String("HTTP"),
	})
	check(err)
	call := func(action string, parameters values) map[string]interface{} {
		query := map[string]*string{"ClusterId": dara.String("cluster-1")}
		for name, value := range parameters {
			query[name] = dara.String(value)
		}
		response, err := client.CallApi(&openapi.Params{
			Action:      dara.String(action),
			Version:     dara.String("2016-11-01"),
			Protocol:    dara.String("HTTP"),
			Pathname:    dara.String("/"),
			Method:      dara.String("POST"),
			AuthType:    dara.String("AK"),
			Style:       dara.String("RPC"),
			ReqBodyType: dara.String("formData"),
			BodyType:    dara.String("json"),
		}, &openapi.OpenApiRequest{Query: query}, &dara.RuntimeOptions{})
		check(err)
		return response["body"].(map[string]interface{})
	}

	made := call("CreateEdgeTranscodeJob", values{
		"Name": "go-1", "TemplateId": "tpl-h264-720p",
		"StreamInput": "rtmp://in.example.com/app/a b", "StreamOutput": "rtmp://out.example.com/app/s",
	})
	id := made["JobId"].(string)
	call("StartEdgeTranscodeJob", values{"JobId": id})
	job := call("GetEdgeTranscodeJob", values{"JobId": id})["Job"].(map[string]interface{})
	if job["Status"] != "1" || job["StreamInput"] != "rtmp://in.example.com/app/a b" {
		panic(fmt.Sprint(job))
	}
	call("StopEdgeTranscodeJob", values{"JobId": id})
	call("UpdateEdgeTranscodeJob", values{"JobId": id, "Name": "go-2"})
	call("ListEdgeTranscodeJob", values{"Keyword": "go-2"})
	call("GetEdgeTranscodeTemplate", values{"TemplateId": "tpl-uhd-4k"})
	call("ListEdgeTranscodeTemplate", values{})
	call("DescribeLiveStreamState", values{
		"DomainName": "out.example.com", "AppName": "app", "StreamName": "s",
	})
	call("DeleteEdgeTranscodeJob", values{"JobId": id})
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
