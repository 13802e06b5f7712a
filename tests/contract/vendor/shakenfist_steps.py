"""Connects the vendor's client for the steps of shakenfist.steps."""

import logging
import os
import time

from shakenfist_client import apiclient

logging.disable(logging.CRITICAL)

URL = os.environ["WINDLASS_VENDOR_URL"]


def connect(namespace="demo", key="demokey"):
    return apiclient.Client(base_url=URL, namespace=namespace, key=key, suppress_configuration_lookup=True)


client = connect()
DISK = {"size": 1, "base": None, "bus": None, "type": "disk"}


def until(what, limit=60):
    """Waits for a condition of the server, and returns it."""
    ends = time.time() + limit
    while not (last := what()):
        if time.time() > ends:
            raise TimeoutError("the server never did it")
        time.sleep(0.05)
    return last


def agent(operation):
    """The result of the agent's first command."""
    done = until(lambda: (seen := client.get_agent_operation(operation["uuid"]))["state"] in ("complete", "error") and seen)
    return [done["state"], done["results"].get("0")]


def only(document, *names):
    return {name: document[name] for name in names}


def attempt(call, *arguments, **options):
    """What a call says, however it ends: for those that not all releases refuse."""
    try:
        return call(*arguments, **options)
    except apiclient.APIException as error:
        return explain(error)


def explain(error):
    """The status and the server's sentence."""
    status = getattr(error, "status_code", None)
    text = getattr(error, "text", None)
    return str(error) if status is None else f"{status} {text}"
