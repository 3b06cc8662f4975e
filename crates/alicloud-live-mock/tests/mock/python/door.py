"""Holds the control door against its own description: `/_mock/openapi.json` is valid OpenAPI, and every answer is as it says.

usage: python door.py URL-OF-THE-MOCK

Asks for every operation that is described, with the example as body; then for what must be refused. Prints the
operations that it asked for.
"""

import json
import sys
import urllib.error
import urllib.request

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

# No proxy of the user's may stand between us and the loopback address.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main(url):
    _, kind, text = ask(url, "GET", "/_mock/openapi.json")
    description = json.loads(text)
    validate(description)

    # So that there is something of everything to be shown.
    jobs = [{"JobId": "J-1", "LastStartAt": "2024-01-01T00:00:00Z", "Status": "1"}, {}]
    for job in jobs:
        ask(url, "POST", "/_mock/jobs", job)
    ask(url, "GET", "/?Action=ListEdgeTranscodeJob&Format=JSON")
    ask(url, "POST", "/_mock/faults", [{"kind": {"slow": {"ms": 1}}, "when": "arrival"}])
    ask(url, "GET", "/?Action=StartEdgeTranscodeJob&Format=JSON&AccessKeyId=a")

    # The reset comes last: it takes away what the others show.
    for path, methods in sorted(description["paths"].items(), key=lambda entry: entry[0].endswith("/reset")):
        for method, operation in sorted(methods.items(), key=lambda entry: entry[0] == "delete"):
            if method != "parameters":
                check(url, description, method.upper(), named(url, path), operation)

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
        status, kind, text = ask(url, method, path, body)
        expect(400 <= status < 500, f"{method} {path} is refused, not answered with {status}")
        conforms(description, {"$ref": "#/components/schemas/Problem"}, text, f"{method} {path}")


def named(url, path):
    """The path with something that is there in the place of its parameter."""
    if path.startswith("/_mock/faults/{"):
        _, _, rules = ask(url, "GET", "/_mock/faults")
        return path.replace("{id}", str(json.loads(rules)[0]["id"]))
    there = {"/_mock/jobs/{id}": "J-1", "/_mock/calls/{number}": "0", "/_mock/access_keys/{id}": "K-1"}
    return path if path not in there else path.split("{")[0] + there[path]


def check(url, description, method, path, operation):
    body = None
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        body = content["example"]
        conforms(description, content["schema"], json.dumps(body), f"the example of {method} {path}")
    status, kind, text = ask(url, method, path, body)
    expect(status == 200, f"{method} {path} is answered with {status}: {text}")
    described = operation["responses"]["200"]["content"]
    expect(kind.split(";")[0] in described, f"{method} {path} gives {kind}, not one of {list(described)}")
    if "application/json" in described:
        conforms(description, described["application/json"]["schema"], text, f"{method} {path}")
    print(method, path)


def conforms(description, schema, text, what):
    # The schemas refer to each other by `#/components/...`, so the whole description is the schema's document.
    document = {**schema, "components": description["components"]}
    for error in Draft202012Validator(document).iter_errors(json.loads(text)):
        sys.exit(f"{what}: {error.json_path}: {error.message}\n{text}")


def ask(url, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        with OPENER.open(request, timeout=20) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def expect(holds, what):
    if not holds:
        sys.exit(f"not so: {what}")


if __name__ == "__main__":
    main(*sys.argv[1:])
