"""A node: the server's own code takes instances through their states; network and agents are stand-ins."""
import os
import signal
import subprocess
import sys
import time
import traceback
import uuid

from shakenfist import etcd, instance, network, tasks
from shakenfist.agentoperation import AgentOperation
from shakenfist.blob import Blob
from shakenfist.daemons import queues
from shakenfist.util import general

import libvirt


def loud(what, _error):
    print("ignored:", what, file=sys.stderr)
    traceback.print_exc()


general.ignore_exception = loud

# Bridges and tunnels need root and a kernel; nothing here looks at packets.
for method in (
    "create_on_hypervisor",
    "create_on_network_node",
    "delete_on_hypervisor",
    "delete_on_network_node",
    "ensure_mesh",
    "update_dnsmasq",
    "remove_dnsmasq",
    "remove_dhcp_lease",
):
    if hasattr(network.Network, method):
        setattr(network.Network, method, lambda self, *args, **options: None)


def forever(step, pause):
    while True:
        try:
            if not step():
                time.sleep(pause)
        except Exception:
            traceback.print_exc()
            time.sleep(0.5)


def network_node():
    """Networks are made and unmade as soon as they are asked for."""
    job, item = etcd.dequeue("networknode")
    if not job:
        return False
    for task in item["tasks"] if isinstance(item, dict) and "tasks" in item else [item]:
        found = network.Network.from_db(task.network_uuid()) if hasattr(task, "network_uuid") else None
        if found and isinstance(task, tasks.DeployNetworkTask) and found.state.value == "initial":
            found.state = "created"
        elif found and isinstance(task, tasks.DestroyNetworkTask):
            found.state = "deleted"
    etcd.resolve("networknode", job)
    return True


booted = {}


def agents():
    """Every guest with a side channel has an agent, which reports each boot and does one thing after the other."""
    for one in instance.Instances([], prefilter="active"):
        on = one.power_state.get("power_state") == "on"
        if one.state.value != "created" or not on or "sf-agent" not in (one.side_channels or []):
            continue
        boots = libvirt.boots_of("sf:" + one.uuid)
        silent = not (one.agent_state.value or "").startswith("ready")
        if silent or booted.get(one.uuid) != boots:
            if booted.get(one.uuid) != boots:
                one.agent_start_time = one.agent_system_boot_time = time.time()
            booted[one.uuid] = boots
            one.agent_state = "ready"
        operation = one.agent_operation_dequeue()
        if operation:
            obey(one, operation)
    return False


def obey(one, operation):
    operation.state = AgentOperation.STATE_EXECUTING
    home = os.path.join(os.environ["WINDLASS_GUESTS"], one.uuid)
    os.makedirs(home, exist_ok=True)
    ended = AgentOperation.STATE_COMPLETE
    for number, command in enumerate(operation.commands):
        result = VERBS[command["command"]](home, command)
        if result.get("result") is False:
            ended = AgentOperation.STATE_ERROR
        operation.add_result(number, result)
    operation.state = ended


def inside(home, path):
    return os.path.join(home, path.strip("/").replace("/", "%"))


def execute(home, command):
    line = command["commandline"]
    done = subprocess.run(["sh", "-c", line], cwd=home, capture_output=True, text=True, timeout=20)
    result = {"command-line": line, "result": True, "return-code": done.returncode}
    for name, text in (("stdout", done.stdout), ("stderr", done.stderr)):
        if len(text) > 10 * 1024:
            result[name + "_blob"] = store(text.encode())
        else:
            result[name] = text
    return result


def put_blob(home, command):
    with open(Blob.filepath(command["blob_uuid"]), "rb") as source, open(inside(home, command["path"]), "wb") as target:
        target.write(source.read())
    return {"path": command["path"]}


def chmod(home, command):
    os.chmod(inside(home, command["path"]), int(command["mode"]) & 0o777)
    return {"path": command["path"]}


def get_file(home, command):
    path = inside(home, command["path"])
    if not os.path.exists(path):
        return {"path": command["path"], "result": False, "message": "no such file"}
    with open(path, "rb") as source:
        return {"path": command["path"], "content_blob": store(source.read()), "result": True}


def store(content):
    name = str(uuid.uuid4())
    with open(Blob.filepath(name), "wb") as target:
        target.write(content)
    blob = Blob.new(name, len(content), time.time(), time.time())
    blob.state = "created"
    blob.observe()
    return name


VERBS = {"execute": execute, "put-blob": put_blob, "chmod": chmod, "get-file": get_file}

helpers = []
for step, pause in ((network_node, 0.1), (agents, 0.2)):
    child = os.fork()
    if child == 0:
        forever(step, pause)
    helpers.append(child)
try:
    queues.Monitor("queues").run()
finally:
    for child in helpers:
        os.kill(child, signal.SIGTERM)
