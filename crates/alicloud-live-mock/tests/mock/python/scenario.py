"""Calls every operation and provokes every documented error, through one of the official SDKs.

usage: python scenario.py rpc|v3 URL-OF-THE-MOCK

Exits with code 0 and prints the number of checks, or exits with the first difference.
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


class ApiError(Exception):
    """An API error that the SDK has raised."""

    def __init__(self, status, code, request_id):
        super().__init__(f"{status} {code} {request_id}")
        self.status, self.code, self.request_id = status, code, request_id


def main(sdk, url):
    live_class = importlib.import_module(sdk).Live
    address = url.removeprefix("http://")
    control_api = ControlApi(url)
    live = live_class(address, KEY_ID, SECRET)

    nine_operations(live)
    parameter_errors(live)
    state_errors(live, control_api)
    credential_errors(live_class, address)
    temporary_keys(live_class, address, url)
    injected_errors(live, control_api)
    print(f"{checks} checks")


def nine_operations(live):
    created = live.call("CreateEdgeTranscodeJob", **NEW)
    same(set(created), {"JobId", "RequestId"}, "Create returns these members")
    job = {"ClusterId": CLUSTER, "JobId": created["JobId"]}

    shown = live.call("GetEdgeTranscodeJob", **job)["Job"]
    same(JOB_FIELDS - set(shown), set(), "Get returns every member")
    for name in NEW.keys() - {"ClusterId"}:
        same(shown[name], NEW[name], f"Get returns {name} as sent")
    same((shown["Status"], shown["Type"]), ("0", "common"), "a new job is not started")

    same(live.call("StartEdgeTranscodeJob", **job)["JobId"], created["JobId"], "Start returns the JobId")
    same(live.call("GetEdgeTranscodeJob", **job)["Job"]["Status"], "1", "a started job runs")
    same(live.call("StopEdgeTranscodeJob", **job)["JobId"], created["JobId"], "Stop returns the JobId")

    changed = live.call("UpdateEdgeTranscodeJob", **job, Name="b_2", TemplateId="tpl-nbhd2-1080p")
    same(changed["JobId"], created["JobId"], "Update returns the JobId")
    shown = live.call("GetEdgeTranscodeJob", **job)["Job"]
    same((shown["Name"], shown["Type"]), ("b_2", "nbhd-2"), "Update changes name and template")
    same(shown["StreamInput"], NEW["StreamInput"], "Update changes nothing else")
    same({"LastStartAt", "LastStopAt"} <= set(shown), True, "Start and Stop set their times")

    others = [live.call("CreateEdgeTranscodeJob", **NEW | {"Name": f"c-{n}"})["JobId"] for n in range(3)]
    listed = live.call(
        "ListEdgeTranscodeJob", ClusterId=CLUSTER, Keyword="c-", Status=0, Type="common",
        PageNo=2, PageSize=2, SortBy="asc",
    )  # fmt: skip
    same(listed["TotalCount"], 3, "List counts what matches")
    same([job["JobId"] for job in listed["JobList"]["Job"]], others[2:], "List returns the second page")

    template = live.call("GetEdgeTranscodeTemplate", ClusterId=CLUSTER, TemplateId="tpl-uhd-4k")["Template"]
    same(set(template), TEMPLATE_FIELDS, "a template has its members")
    listed = live.call(
        "ListEdgeTranscodeTemplate", ClusterId=CLUSTER, VideoCodec="H.265", Type="common",
        Keyword="h265", PageNo=1, PageSize=100, SortBy="desc",
    )  # fmt: skip
    names = [template["TemplateId"] for template in listed["TemplateList"]["Template"]]
    same((listed["TotalCount"], names), (1, ["tpl-h265-1080p"]), "templates are filtered")

    for job_id in [created["JobId"], *others]:
        deleted = live.call("DeleteEdgeTranscodeJob", ClusterId=CLUSTER, JobId=job_id)
        same(set(deleted), {"RequestId"}, "Delete returns only a RequestId")
    same(live.call("ListEdgeTranscodeJob", ClusterId=CLUSTER)["TotalCount"], 0, "nothing is left")


def parameter_errors(live):
    without_name = {name: value for name, value in NEW.items() if name != "Name"}
    expect_error(live, 400, "MissingParameter", "CreateEdgeTranscodeJob", **without_name)
    expect_error(live, 400, "MissingParameter", "GetEdgeTranscodeJob", ClusterId=CLUSTER)
    expect_error(live, 400, "MissingParameter", "ListEdgeTranscodeJob")
    expect_error(live, 400, "MissingParameter", "UpdateEdgeTranscodeJob", ClusterId=CLUSTER)
    expect_error(live, 400, "MissingParameter", "DeleteEdgeTranscodeJob", JobId="J")
    expect_error(live, 400, "MissingParameter", "StartEdgeTranscodeJob", JobId="J")
    expect_error(live, 400, "MissingParameter", "StopEdgeTranscodeJob", JobId="J")
    expect_error(live, 400, "MissingParameter", "GetEdgeTranscodeTemplate", ClusterId=CLUSTER)
    expect_error(live, 400, "MissingParameter", "ListEdgeTranscodeTemplate")
    expect_error(live, 400, "InvalidParameter", "CreateEdgeTranscodeJob", **NEW | {"Name": "a b"})
    expect_error(live, 400, "InvalidParameter", "CreateEdgeTranscodeJob", **NEW | {"StreamInput": "nonsense"})
    expect_error(live, 400, "InvalidParameter", "ListEdgeTranscodeJob", ClusterId=CLUSTER, PageSize=101)
    expect_error(live, 400, "InvalidParameter", "ListEdgeTranscodeJob", ClusterId=CLUSTER, Status=2)
    expect_error(live, 400, "InvalidParameter", "ListEdgeTranscodeTemplate", ClusterId=CLUSTER, SortBy="up")


def state_errors(live, control_api):
    unknown = {"ClusterId": CLUSTER, "JobId": "none"}
    for operation in ("Get", "Update", "Delete", "Start", "Stop"):
        expect_error(live, 404, "JobNotFound", f"{operation}EdgeTranscodeJob", **unknown)
    expect_error(live, 404, "TemplateNotFound", "CreateEdgeTranscodeJob", **NEW | {"TemplateId": "none"})
    expect_error(live, 404, "TemplateNotFound", "GetEdgeTranscodeTemplate", ClusterId=CLUSTER, TemplateId="none")
    expect_error(live, 403, "OperationDenied", "ListEdgeTranscodeJob", ClusterId="elsewhere")

    job = {"ClusterId": CLUSTER, "JobId": live.call("CreateEdgeTranscodeJob", **NEW)["JobId"]}
    expect_error(live, 404, "TemplateNotFound", "UpdateEdgeTranscodeJob", **job, TemplateId="none")
    expect_error(live, 400, "InvalidParameter", "UpdateEdgeTranscodeJob", **job, Name="a/b")
    expect_error(live, 403, "OperationDenied", "StopEdgeTranscodeJob", **job)
    with control_api.behavior(max_running_jobs=0):
        expect_error(live, 403, "UserQuotaExceed", "StartEdgeTranscodeJob", **job)
    live.call("StartEdgeTranscodeJob", **job)
    for operation in ("Start", "Update", "Delete"):
        expect_error(live, 403, "OperationDenied", f"{operation}EdgeTranscodeJob", **job)
    live.call("StopEdgeTranscodeJob", **job)
    live.call("DeleteEdgeTranscodeJob", **job)


def credential_errors(live_class, address):
    unknown_key = live_class(address, "somebody", SECRET)
    expect_error(unknown_key, 404, "InvalidAccessKeyId.NotFound", "ListEdgeTranscodeJob", ClusterId=CLUSTER)
    wrong_secret = live_class(address, KEY_ID, "another-secret")
    expect_error(wrong_secret, 400, live_class.WRONG_SECRET, "CreateEdgeTranscodeJob", **NEW)


def temporary_keys(live_class, address, url):
    keys = ControlApi(url).get("/credentials")
    temporary = live_class(address, keys["AccessKeyId"], keys["AccessKeySecret"], keys["SecurityToken"])
    same(temporary.call("ListEdgeTranscodeJob", ClusterId=CLUSTER)["TotalCount"], 0, "temporary keys are accepted")
    wrong_token = live_class(address, keys["AccessKeyId"], keys["AccessKeySecret"], "another-token")
    expect_error(
        wrong_token, 400, "InvalidSecurityToken.MismatchWithAccessKey", "ListEdgeTranscodeJob", ClusterId=CLUSTER
    )


def injected_errors(live, control_api):
    job = {"ClusterId": CLUSTER, "JobId": live.call("CreateEdgeTranscodeJob", **NEW)["JobId"]}
    for operation, status, code in [
        ("StartEdgeTranscodeJob", 500, "InternalError"),
        ("StartEdgeTranscodeJob", 400, "UserTaskExceed"),
        ("StopEdgeTranscodeJob", 403, "Forbidden"),
        ("GetEdgeTranscodeJob", 503, "ServiceUnavailable"),
        ("GetEdgeTranscodeJob", 400, "Throttling.User"),
    ]:
        kind = {"error": {"status": status, "code": code, "message": "injected"}}
        with control_api.faults([{"action": operation, "kind": kind, "times": 1}]):
            expect_error(live, status, code, operation, **job)
    with control_api.behavior(max_requests_per_minute=1):
        live.call("ListEdgeTranscodeTemplate", ClusterId=CLUSTER)
        expect_error(live, 400, "Throttling.User", "ListEdgeTranscodeTemplate", ClusterId=CLUSTER)
    live.call("DeleteEdgeTranscodeJob", **job)


class ControlApi:
    """The control API of the mock."""

    def __init__(self, url):
        self.url = url
        # A proxy in the environment must not be used for the loopback address.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path):
        with self.opener.open(self.url + path, timeout=20) as response:
            return json.load(response)

    def post(self, path, body):
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers, method="POST")
        with self.opener.open(request, timeout=20) as response:
            return json.load(response)

    def behavior(self, **changes):
        return Changed(self, "/_mock/behavior", changes, dict.fromkeys(changes))

    def faults(self, rules):
        return Changed(self, "/_mock/faults", rules, [])


class Changed:
    """Changes something through the control API for the length of a block, and restores it."""

    def __init__(self, control_api, path, inside, after):
        self.control_api, self.path, self.inside, self.after = control_api, path, inside, after

    def __enter__(self):
        self.control_api.post(self.path, self.inside)

    def __exit__(self, *_):
        self.control_api.post(self.path, self.after)


def expect_error(live, status, code, operation, **parameters):
    try:
        response = live.call(operation, **parameters)
    except ApiError as error:
        same((error.status, error.code), (status, code), f"{operation} {parameters}")
        same(bool(error.request_id), True, f"{operation} {parameters}: the SDK has the RequestId")
    else:
        sys.exit(f"{operation} {parameters} did not fail: {response}")


def same(found, expected, what):
    global checks
    checks += 1
    if found != expected:
        sys.exit(f"{what}: expected {expected!r}, found {found!r}")


if __name__ == "__main__":
    # Imported under its own name, so that the modules of the SDKs and this one have the same `ApiError`.
    importlib.import_module("scenario").main(*sys.argv[1:])
