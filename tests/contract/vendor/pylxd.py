"""Connects pylxd for the steps of pylxd.steps."""

import os
import time
import urllib.parse
import warnings

warnings.simplefilter("ignore")

import pylxd  # noqa: E402
import pylxd.exceptions  # noqa: E402

client = pylxd.Client(endpoint="http+unix://" + urllib.parse.quote(os.environ["WINDLASS_VENDOR_SOCKET"], safe=""))
# Shorter names for the steps.
instances, images, projects = client.instances, client.images, client.projects


def fields(thing, *names):
    return [getattr(thing, name) for name in names]


def sent(method, *path, **query):
    """An answer of the server without its envelope."""
    node = client.api
    for part in path:
        node = node[part]
    return getattr(node, method)(**query).json()["metadata"]


def booted(web, limit=60):
    """Waits for what the guest's init starts once it has its handlers."""
    ends = time.monotonic() + limit
    while web.execute(["pidof", "sleep"]).exit_code:
        assert time.monotonic() < ends, "it doesn't boot"
        time.sleep(0.2)


def attempt(call):
    """What a call says, however it ends: for those that not every generation refuses."""
    try:
        return call()
    except pylxd.exceptions.LXDAPIException as error:
        return str(error)
