"""Connects the vendor's SDK for the steps of koyeb.steps."""

import json
import os

import koyeb.api as sdk


def connect(token):
    configuration = sdk.Configuration(host=os.environ["KOYEB_API_HOST"])
    configuration.api_key["Bearer"] = token
    configuration.api_key_prefix["Bearer"] = "Bearer"
    return sdk.ApiClient(configuration)


api = connect(os.environ["KOYEB_API_TOKEN"])
shop = os.environ["SERVICE"]
instances, logs, services = sdk.InstancesApi(api), sdk.LogsApi(api), sdk.ServicesApi(api)
deployments, snapshots = sdk.DeploymentsApi(api), sdk.InstanceSnapshotsApi(api)


def lines(**query):
    return [entry.msg for entry in logs.query_logs(order="asc", **query).data]


def explain(error):
    """The status and the code of the vendor's envelope."""
    try:
        body = json.loads(error.body)
        return f"{error.status} {body['code']}"
    except (AttributeError, KeyError, TypeError, ValueError):
        return str(error)
