"""The nine operations through the official SDK that signs with RPC signature 1.0 (aliyun-python-sdk-live)."""

import importlib
import json

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import AccessKeyCredential, StsTokenCredential
from aliyunsdkcore.client import AcsClient

from scenario import ApiError


class Live:
    """A client of the SDK. `call` returns the JSON of the response."""

    # The SDK compares the server's string to sign with its own. If they are equal, the secret must be wrong, and it replaces
    # the server's SignatureDoesNotMatch by this code.
    WRONG_SECRET = "InvalidAccessKeySecret"

    def __init__(self, address, key_id, secret, token=None):
        credential = StsTokenCredential(key_id, secret, token) if token else AccessKeyCredential(key_id, secret)
        self.client = AcsClient(region_id="cn-shanghai", credential=credential, auto_retry=False)
        self.address = address

    def call(self, operation, **parameters):
        module = importlib.import_module(f"aliyunsdklive.request.v20161101.{operation}Request")
        request = getattr(module, f"{operation}Request")()
        request.set_endpoint(self.address)
        request.set_protocol_type("http")
        for name, value in parameters.items():
            getattr(request, f"set_{name}")(value)
        try:
            return json.loads(self.client.do_action_with_exception(request))
        except ServerException as error:
            raise ApiError(error.get_http_status(), error.get_error_code(), error.get_request_id()) from error
