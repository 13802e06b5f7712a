"""Connects the vendor's client for the steps of shakenfist.steps."""

import contextlib
import io
import json
import os
import re
import shlex
import time
import unittest.mock

from shakenfist_client import apiclient, main

URL = os.environ["WINDLASS_VENDOR_URL"]
BLANK = {"size": 1, "base": None, "bus": None, "type": "disk"}


login, tokens = apiclient.Client._authenticate, {}


def log_in_once(self):
    """Keys are hashed so that each login takes the server long: a key that was good logs in once."""
    known = (self.base_url, self.namespace, self.key)
    if known not in tokens:
        tokens[known] = login(self)
    return tokens[known]


def connect(namespace, key):
    """A client that doesn't wait: what isn't ready is refused."""
    return apiclient.Client(base_url=URL, namespace=namespace, key=key, suppress_configuration_lookup=True,
                            async_strategy=apiclient.ASYNC_CONTINUE)


client, admin, stranger = connect("demo", "demokey"), connect("system", "secret"), connect("other", "otherkey")


def explain(error):
    """Status and body of a refusal. Servers differ in the spacing of their JSON."""
    if not isinstance(error, apiclient.APIException):
        return str(error)
    try:
        return f"{error.status_code} {json.dumps(json.loads(error.text), sort_keys=True)}"
    except ValueError:
        title = re.search("<title>(.*)</title>", error.text)
        return f"{error.status_code} {title.group(1) if title else error.text}"


def attempt(call, *arguments, **options):
    """What a call says, however it ends: for those that not every release refuses."""
    try:
        return call(*arguments, **options)
    except Exception as error:
        return f"{type(error).__name__}: {explain(error)}"


def until(holds, limit=90):
    ends = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < ends, "it doesn't come"
        time.sleep(0.05)


def shown(look, *words, limit=90):
    """What a look shows once it has these words: lists miss, for a moment, what has just changed its state."""
    ends = time.monotonic() + limit
    while True:
        seen = look()
        if all(word in str(seen) for word in words) or time.monotonic() > ends:
            return seen
        time.sleep(0.05)


def only(thing, *keys):
    return {key: thing.get(key) for key in keys}


def sent(method, path, **body):
    """An answer to a request of any form."""
    return client._request_url(method, path, data=body).json()


def asked(name, network=None, disk=None, **options):
    """What the server made, or is making."""
    sizes = {"cpus": options.pop("cpus", 1), "memory": options.pop("memory", 1024)}
    by = options.pop("by", client)
    return by.create_instance(name, network=network, disk=[dict(BLANK)] if disk is None else disk,
                              sshkey=options.pop("sshkey", None), userdata=options.pop("userdata", None),
                              **sizes, **options)


def there():
    """Whatever isn't deleted. Only the list of all misses nothing."""
    return [one for one in client.get_instances(all=True) if one["state"] != "deleted"]


def names(things):
    return sorted(one["name"] for one in things)


def state(uuid, by=client):
    return by.get_instance(uuid)["state"]


def made(name, *arguments, by=client, **options):
    """A new instance, once its agent is ready."""
    uuid = asked(name, *arguments, by=by, **options)["uuid"]
    until(lambda: state(uuid, by) in ("created", "error"))
    agent = "sf-agent" in by.get_instance(uuid)["side_channels"]
    until(lambda: not agent or is_ready(uuid, by))
    return by.get_instance(uuid)


def is_ready(uuid, by=client):
    seen = by.get_instance(uuid)
    return (seen["agent_state"] or "").startswith("ready") or seen["state"] == "error"


def network(name, netblock="10.0.0.0/24", dhcp=True, nat=True, by=client, **options):
    uuid = by.allocate_network(netblock, dhcp, nat, name, **options)["uuid"]
    until(lambda: by.get_network(uuid)["state"] == "created")
    return by.get_network(uuid)


def done(operation):
    """An operation of an agent, once it has ended."""
    ended = ("complete", "error", "deleted")
    until(lambda: client.get_agent_operation(operation["uuid"])["state"] in ended)
    return client.get_agent_operation(operation["uuid"])


def deleted(uuid, by=client):
    by.delete_instance(uuid, async_request=True)
    until(lambda: state(uuid, by) == "deleted")
    return by.get_instance(uuid)


def upload(*pieces):
    uuid = client.create_upload()["uuid"]
    for piece in pieces:
        client.send_upload(uuid, piece)
    return uuid


def requested(thing, events):
    """The requests that events tell of."""
    return [event["message"] for event in events(thing) if event["message"].endswith("request from REST API")]


def steady(text):
    """What is shown of an instance, without how far its node has come."""
    changing = ("state", "power state", "agent state", "console port", "vdi")
    return "\n".join(line for line in text.splitlines() if not line.startswith(changing))


def command(line):
    """What `sf-client` prints. It runs in this process: its start takes longer than most of its work."""
    os.environ.update(SHAKENFIST_API_URL=URL, SHAKENFIST_NAMESPACE="demo", SHAKENFIST_KEY="demokey",
                      SHAKENFIST_ASYNC="continue")
    said, code = io.StringIO(), 0
    with contextlib.redirect_stdout(said), unittest.mock.patch.object(apiclient.Client, "_authenticate", log_in_once):
        try:
            main.cli(shlex.split(line), prog_name="sf-client")
        except SystemExit as ended:
            code = ended.code
    text = said.getvalue()
    assert code == 0, text
    return text
