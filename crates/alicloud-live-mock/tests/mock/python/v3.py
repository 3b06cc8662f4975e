"""The nine operations through the official SDK that signs with ACS3-HMAC-SHA256 (alibabacloud-live20161101)."""

import re

from alibabacloud_live20161101 import models
from alibabacloud_live20161101.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config

from scenario import ApiError


class Live:
    """A client of the SDK. `call` returns the JSON of the response, as parsed by the SDK's models."""

    WRONG_SECRET = "SignatureDoesNotMatch"

    def __init__(self, address, key_id, secret, token=None):
        self.client = Client(
            Config(
                access_key_id=key_id,
                access_key_secret=secret,
                security_token=token,
                region_id="cn-shanghai",
                endpoint=address,
                protocol="HTTP",
            )
        )

    def call(self, operation, **parameters):
        request = getattr(models, f"{operation}Request")().from_map(parameters)
        try:
            return getattr(self.client, snake(operation))(request).body.to_map()
        except AlibabaCloudException as error:
            raise ApiError(error.status_code, error.code, error.request_id) from error


def snake(name):
    return re.sub(r"(?<=.)(?=[A-Z])", "_", name).lower()
