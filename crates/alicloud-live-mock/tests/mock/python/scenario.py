"""Uses every operation and meets every documented refusal, through one of the official SDKs.

usage: python scenario.py rpc|v3 URL-OF-THE-MOCK

Ends with exit code 0 and the number of checks, or with the first difference.
"""

import importlib
import json
import sys
import urllib.request

KEY_ID, SECRET = "mock-access-key-id", "mock-access-key-secret"
CLUSTER = "cluster-1"
NEW = {
    "ClusterId": CLUSTER,
    "Name": "转码-1",
    "TemplateId": "tpl-h264-720p",
    "StreamInput": "rtmp://in.example.com/app/a b+c*~?x=1&y=ü",
    "StreamOutput": "rtmp://out.example.com/app/s?auth_key=1893456000-0-0-ff",
}
JOB_FIELDS = {
    "JobId", "Name", "Status", "StreamInput", "StreamOutput",
    "TemplateId", "TemplateName", "Type", "CreateTime",
}  # fmt: skip
TEMPLATE_FIELDS = {"TemplateId", "Name", "Type", "Codec", "Bitrate", "Fps", "Gop", "Resolution", "CreateTime"}

checks = 0


class Refused(Exception):
    """The SDK raised the cloud's error."""

    def __init__(self, status, code, request_id):
        super().__init__(f"{status} {code} {request_id}")
        self.status, self.code, self.request_id = status, code, request_id


def main(sdk, url):
    live_class = importlib.import_module(sdk).Live
    address = url.removeprefix("http://")
    door = Door(url)
    live = live_class(address, KEY_ID, SECRET)

    nine_operations(live)
    refused_for_what_they_say(live)
    refused_for_the_state_they_meet(live, door)
    refused_for_who_calls(live_class, address)
    temporary_keys(live_class, address, url)
    trouble_of_the_service(live, door)
    print(f"{checks} checks")


def nine_operations(live):
    made = live.call("CreateEdgeTranscodeJob", **NEW)
    same(set(made), {"JobId", "RequestId"}, "Create gives these fields")
    job = {"ClusterId": CLUSTER, "JobId": made["JobId"]}

    shown = live.call("GetEdgeTranscodeJob", **job)["Job"]
    same(JOB_FIELDS - set(shown), set(), "Get shows every field")
    for name in NEW.keys() - {"ClusterId"}:
        same(shown[name], NEW[name], f"Get shows {name} as it was sent")
    same((shown["Status"], shown["Type"]), ("0", "common"), "a new job is not started")

    same(live.call("StartEdgeTranscodeJob", **job)["JobId"], made["JobId"], "Start names the job")
    same(live.call("GetEdgeTranscodeJob", **job)["Job"]["Status"], "1", "a started job runs")
    same(live.call("StopEdgeTranscodeJob", **job)["JobId"], made["JobId"], "Stop names the job")

    changed = live.call("UpdateEdgeTranscodeJob", **job, Name="b_2", TemplateId="tpl-nbhd2-1080p")
    same(changed["JobId"], made["JobId"], "Update names the job")
    shown = live.call("GetEdgeTranscodeJob", **job)["Job"]
    same((shown["Name"], shown["Type"]), ("b_2", "nbhd-2"), "Update changes name and template")
    same(shown["StreamInput"], NEW["StreamInput"], "Update leaves the rest alone")
    same({"LastStartAt", "LastStopAt"} <= set(shown), True, "Start and Stop leave their times")

    others = [live.call("CreateEdgeTranscodeJob", **NEW | {"Name": f"c-{n}"})["JobId"] for n in range(3)]
    listed = live.call(
        "ListEdgeTranscodeJob", ClusterId=CLUSTER, Keyword="c-", Status=0, Type="common",
        PageNo=2, PageSize=2, SortBy="asc",
    )  # fmt: skip
    same(listed["TotalCount"], 3, "List counts what matches")
    same([job["JobId"] for job in listed["JobList"]["Job"]], others[2:], "List gives the second page")

    template = live.call("GetEdgeTranscodeTemplate", ClusterId=CLUSTER, TemplateId="tpl-uhd-4k")["Template"]
    same(set(template), TEMPLATE_FIELDS, "a template has its fields")
    listed = live.call(
        "ListEdgeTranscodeTemplate", ClusterId=CLUSTER, VideoCodec="H.265", Type="common",
        Keyword="h265", PageNo=1, PageSize=100, SortBy="desc",
    )  # fmt: skip
    names = [template["TemplateId"] for template in listed["TemplateList"]["Template"]]
    same((listed["TotalCount"], names), (1, ["tpl-h265-1080p"]), "templates are filtered")

    for job_id in [made["JobId"], *others]:
        gone = live.call("DeleteEdgeTranscodeJob", ClusterId=CLUSTER, JobId=job_id)
        same(set(gone), {"RequestId"}, "Delete gives a RequestId alone")
    same(live.call("ListEdgeTranscodeJob", ClusterId=CLUSTER)["TotalCount"], 0, "nothing is left")


def refused_for_what_they_say(live):
    nameless = {name: value for name, value in NEW.items() if name != "Name"}
    refused(live, 400, "MissingParameter", "CreateEdgeTranscodeJob", **nameless)
    refused(live, 400, "MissingParameter", "GetEdgeTranscodeJob", ClusterId=CLUSTER)
    refused(live, 400, "MissingParameter", "ListEdgeTranscodeJob")
    refused(live, 400, "MissingParameter", "UpdateEdgeTranscodeJob", ClusterId=CLUSTER)
    refused(live, 400, "MissingParameter", "DeleteEdgeTranscodeJob", JobId="J")
    refused(live, 400, "MissingParameter", "StartEdgeTranscodeJob", JobId="J")
    refused(live, 400, "MissingParameter", "StopEdgeTranscodeJob", JobId="J")
    refused(live, 400, "MissingParameter", "GetEdgeTranscodeTemplate", ClusterId=CLUSTER)
    refused(live, 400, "MissingParameter", "ListEdgeTranscodeTemplate")
    refused(live, 400, "InvalidParameter", "CreateEdgeTranscodeJob", **NEW | {"Name": "a b"})
    refused(live, 400, "InvalidParameter", "CreateEdgeTranscodeJob", **NEW | {"StreamInput": "nonsense"})
    refused(live, 400, "InvalidParameter", "ListEdgeTranscodeJob", ClusterId=CLUSTER, PageSize=101)
    refused(live, 400, "InvalidParameter", "ListEdgeTranscodeJob", ClusterId=CLUSTER, Status=2)
    refused(live, 400, "InvalidParameter", "ListEdgeTranscodeTemplate", ClusterId=CLUSTER, SortBy="up")


def refused_for_the_state_they_meet(live, door):
    unknown = {"ClusterId": CLUSTER, "JobId": "none"}
    for operation in ("Get", "Update", "Delete", "Start", "Stop"):
        refused(live, 404, "JobNotFound", f"{operation}EdgeTranscodeJob", **unknown)
    refused(live, 404, "TemplateNotFound", "CreateEdgeTranscodeJob", **NEW | {"TemplateId": "none"})
    refused(live, 404, "TemplateNotFound", "GetEdgeTranscodeTemplate", ClusterId=CLUSTER, TemplateId="none")
    refused(live, 403, "OperationDenied", "ListEdgeTranscodeJob", ClusterId="elsewhere")

    job = {"ClusterId": CLUSTER, "JobId": live.call("CreateEdgeTranscodeJob", **NEW)["JobId"]}
    refused(live, 404, "TemplateNotFound", "UpdateEdgeTranscodeJob", **job, TemplateId="none")
    refused(live, 400, "InvalidParameter", "UpdateEdgeTranscodeJob", **job, Name="a/b")
    refused(live, 403, "OperationDenied", "StopEdgeTranscodeJob", **job)
    with door.config(max_running_jobs=0):
        refused(live, 403, "UserQuotaExceed", "StartEdgeTranscodeJob", **job)
    live.call("StartEdgeTranscodeJob", **job)
    for operation in ("Start", "Update", "Delete"):
        refused(live, 403, "OperationDenied", f"{operation}EdgeTranscodeJob", **job)
    live.call("StopEdgeTranscodeJob", **job)
    live.call("DeleteEdgeTranscodeJob", **job)


def refused_for_who_calls(live_class, address):
    stranger = live_class(address, "somebody", SECRET)
    refused(stranger, 404, "InvalidAccessKeyId.NotFound", "ListEdgeTranscodeJob", ClusterId=CLUSTER)
    liar = live_class(address, KEY_ID, "another-secret")
    refused(liar, 400, live_class.WRONG_SECRET, "CreateEdgeTranscodeJob", **NEW)


def temporary_keys(live_class, address, url):
    keys = Door(url).get("/credentials")
    holder = live_class(address, keys["AccessKeyId"], keys["AccessKeySecret"], keys["SecurityToken"])
    same(holder.call("ListEdgeTranscodeJob", ClusterId=CLUSTER)["TotalCount"], 0, "temporary keys open the API")
    forger = live_class(address, keys["AccessKeyId"], keys["AccessKeySecret"], "another-token")
    refused(
        forger, 400, "InvalidSecurityToken.MismatchWithAccessKey", "ListEdgeTranscodeJob", ClusterId=CLUSTER
    )


def trouble_of_the_service(live, door):
    job = {"ClusterId": CLUSTER, "JobId": live.call("CreateEdgeTranscodeJob", **NEW)["JobId"]}
    for operation, status, code in [
        ("StartEdgeTranscodeJob", 500, "InternalError"),
        ("StartEdgeTranscodeJob", 400, "UserTaskExceed"),
        ("StopEdgeTranscodeJob", 403, "Forbidden"),
        ("GetEdgeTranscodeJob", 503, "ServiceUnavailable"),
        ("GetEdgeTranscodeJob", 400, "Throttling.User"),
    ]:
        kind = {"error": {"status": status, "code": code, "message": "as asked"}}
        with door.faults([{"action": operation, "kind": kind, "times": 1}]):
            refused(live, status, code, operation, **job)
    with door.config(max_requests_per_minute=1):
        live.call("ListEdgeTranscodeTemplate", ClusterId=CLUSTER)
        refused(live, 400, "Throttling.User", "ListEdgeTranscodeTemplate", ClusterId=CLUSTER)
    live.call("DeleteEdgeTranscodeJob", **job)


class Door:
    """The control door of the mock."""

    def __init__(self, url):
        self.url = url
        # No proxy of the user's may stand between us and the loopback address.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path):
        with self.opener.open(self.url + path, timeout=20) as answer:
            return json.load(answer)

    def post(self, path, body):
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers, method="POST")
        with self.opener.open(request, timeout=20) as answer:
            return json.load(answer)

    def config(self, **changes):
        return Changed(self, "/_mock/behavior", changes, dict.fromkeys(changes))

    def faults(self, rules):
        return Changed(self, "/_mock/faults", rules, [])


class Changed:
    """Something at the door is so for the length of a block, and put back after it."""

    def __init__(self, door, path, inside, after):
        self.door, self.path, self.inside, self.after = door, path, inside, after

    def __enter__(self):
        self.door.post(self.path, self.inside)

    def __exit__(self, *_):
        self.door.post(self.path, self.after)


def refused(live, status, code, operation, **parameters):
    try:
        answer = live.call(operation, **parameters)
    except Refused as error:
        same((error.status, error.code), (status, code), f"{operation} {parameters}")
        same(bool(error.request_id), True, f"{operation} {parameters}: the SDK knows the RequestId")
    else:
        sys.exit(f"{operation} {parameters} was not refused: {answer}")


def same(found, expected, what):
    global checks
    checks += 1
    if found != expected:
        sys.exit(f"{what}: expected {expected!r}, found {found!r}")


if __name__ == "__main__":
    # Under its own name, so that the SDKs' modules and this one have the same `Refused`.
    importlib.import_module("scenario").main(*sys.argv[1:])
