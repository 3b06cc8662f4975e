// Calls all operations through the official SDK for Node. Usage: node scenario.js 127.0.0.1:8080
"use strict";

const assert = require("assert");
const { default: Client, Config, OpenApiRequest, Params } = require("@alicloud/openapi-client");
const { RuntimeOptions } = require("@alicloud/tea-util");

const client = new Client(
  new Config({
    accessKeyId: "mock-access-key-id",
    accessKeySecret: "mock-access-key-secret",
    endpoint: process.argv[2],
    protocol: "HTTP",
  }),
);

async function call(action, parameters) {
  const params = new Params({
    action,
    version: "2016-11-01",
    protocol: "HTTP",
    pathname: "/",
    method: "POST",
    authType: "AK",
    style: "RPC",
    reqBodyType: "formData",
    bodyType: "json",
  });
  const request = new OpenApiRequest({ query: { ClusterId: "cluster-1", ...parameters } });
  const response = await client.callApi(params, request, new RuntimeOptions({}));
  return response.body;
}

async function main() {
  const { JobId } = await call("CreateEdgeTranscodeJob", {
    Name: "node-1",
    TemplateId: "tpl-h264-720p",
    StreamInput: "rtmp://in.example.com/app/a b",
    StreamOutput: "rtmp://out.example.com/app/s",
  });
  await call("StartEdgeTranscodeJob", { JobId });
  const { Job } = await call("GetEdgeTranscodeJob", { JobId });
  assert.deepStrictEqual([Job.Status, Job.StreamInput], ["1", "rtmp://in.example.com/app/a b"]);
  await call("StopEdgeTranscodeJob", { JobId });
  await call("UpdateEdgeTranscodeJob", { JobId, Name: "node-2" });
  await call("ListEdgeTranscodeJob", { Keyword: "node-2" });
  await call("GetEdgeTranscodeTemplate", { TemplateId: "tpl-uhd-4k" });
  await call("ListEdgeTranscodeTemplate", {});
  await call("DescribeLiveStreamState", { DomainName: "out.example.com", AppName: "app", StreamName: "s" });
  await call("DeleteEdgeTranscodeJob", { JobId });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
