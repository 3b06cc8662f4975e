"""Checks the control API against its description: `/_mock/openapi.json` is valid OpenAPI, and every response conforms to it.

usage: python control_api.py URL-OF-THE-MOCK

Sends a request for every described operation, with the example as body, and then requests that must be rejected. Prints
the operations.
"""

import json
import sys
import urllib.error
import urllib.request

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

# A proxy in the environment must not be used for the loopback address.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main(url):
    _, kind, text = request(url, "GET", "/_mock/openapi.json")
    description = json.loads(text)
    validate(description)

    # Creates an object of each kind.
    jobs = [{"JobId": "J-1", "LastStartAt": "2024-01-01T00:00:00Z", "Status": "1"}, {}]
    for job in jobs:
        request(url, "POST", "/_mock/jobs", job)
    request(url, "GET", "/?Action=ListEdgeTranscodeJob&Format=JSON")
    request(url, "POST", "/_mock/faults", [{"kind": {"slow": {"ms": 1}}, "when": "arrival"}])
    request(url, "GET", "/?Action=StartEdgeTranscodeJob&Format=JSON&AccessKeyId=a")

    # The reset comes last, because it removes what the other responses contain.
    for path, methods in sorted(description["paths"].items(), key=lambda entry: entry[0].endswith("/reset")):
        for method, operation in sorted(methods.items(), key=lambda entry: entry[0] == "delete"):
            if method != "parameters":
                check(url, description, method.upper(), with_parameters(url, path), operation)

    for method, path, body in [
        ("DELETE", "/_mock/jobs/none", None),
        ("POST", "/_mock/jobs", {"Nme": "x"}),
        ("POST", "/_mock/behavior", {"max_running_jobs": "many"}),
        ("POST", "/_mock/faults", [{"kind": "dorp"}]),
        ("POST", "/_mock/faults", {}),
        ("POST", "/_mock/faults/add", [{"kind": "dorp"}]),
        ("DELETE", "/_mock/faults/99", None),
        ("POST", "/_mock/assert", {"writes": 99}),
        ("POST", "/_mock/access_keys", {"denied_actions": ["Nonsense"]}),
        ("DELETE", "/_mock/access_keys/mock-access-key-id", None),
        ("GET", "/_mock/calls/99", None),
        ("GET", "/_mock/jobs?access_key_id=none", None),
        ("PUT", "/_mock/jobs", None),
        ("GET", "/_mock/none", None),
    ]:
        status, kind, text = request(url, method, path, body)
        expect(400 <= status < 500, f"{method} {path} is rejected, got {status}")
        conforms(description, {"$ref": "#/components/schemas/Problem"}, text, f"{method} {path}")


def with_parameters(url, path):
    """Returns the path with the ID of an existing object as its parameter."""
    if path.startswith("/_mock/faults/{"):
        _, _, rules = request(url, "GET", "/_mock/faults")
        return path.replace("{id}", str(json.loads(rules)[0]["id"]))
    existing = {"/_mock/jobs/{id}": "J-1", "/_mock/calls/{number}": "0", "/_mock/access_keys/{id}": "K-1"}
    return path if path not in existing else path.split("{")[0] + existing[path]


def check(url, description, method, path, operation):
    body = None
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        body = content["example"]
        conforms(description, content["schema"], json.dumps(body), f"the example of {method} {path}")
    status, kind, text = request(url, method, path, body)
    expect(status == 200, f"{method} {path} succeeds, got {status}: {text}")
    described = operation["responses"]["200"]["content"]
    expect(kind.split(";")[0] in described, f"{method} {path} returns {kind}, expected one of {list(described)}")
    if "application/json" in described:
        conforms(description, described["application/json"]["schema"], text, f"{method} {path}")
    print(method, path)


def conforms(description, schema, text, what):
    # The schemas refer to each other by `#/components/...`, so the document contains all of them.
    document = {**schema, "components": description["components"]}
    for error in Draft202012Validator(document).iter_errors(json.loads(text)):
        sys.exit(f"{what}: {error.json_path}: {error.message}\n{text}")


def request(url, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    prepared = urllib.request.Request(url + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        with OPENER.open(prepared, timeout=20) as response:
            return response.status, response.headers["Content-Type"], response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def expect(condition, what):
    if not condition:
        sys.exit(f"expected: {what}")


if __name__ == "__main__":
    main(*sys.argv[1:])
