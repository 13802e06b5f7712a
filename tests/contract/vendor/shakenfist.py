"""Drives a Shaken Fist server with the vendor's own Python client; the address comes as an argument."""
import sys
import time

from shakenfist_client import apiclient

client = apiclient.Client(
    base_url=sys.argv[1], namespace="demo", key="demokey", suppress_configuration_lookup=True
)


def until(what, limit=20):
    ends = time.time() + limit
    while not what():
        assert time.time() < ends, "out of time"
        time.sleep(0.05)


def refused(error, call, *args):
    try:
        call(*args)
    except error:
        return
    raise AssertionError(f"{call.__name__} wasn't refused")


def agent(operation):
    until(lambda: client.get_agent_operation(operation["uuid"])["state"] in ("complete", "error"))
    done = client.get_agent_operation(operation["uuid"])
    assert done["state"] == "complete", done
    return done["results"]


network = client.allocate_network("10.0.0.0/24", True, True, "front")
until(lambda: client.get_network(network["uuid"])["state"] == "created")

disk = {"size": 1, "base": None, "bus": None, "type": "disk"}
made = client.create_instance(
    "web", 1, 1024, [{"network_uuid": network["uuid"]}], [disk], None, None, side_channels=["sf-agent", "sf-agent2"]
)
uuid = made["uuid"]
client.await_instance_create(uuid, timeout=20)
client.await_agent_ready(uuid, timeout=20)
web = client.get_instance(uuid)
assert (web["state"], web["power_state"], web["name"]) == ("created", "on", "web"), web
assert [one["uuid"] for one in client.get_instances()] == [uuid]
assert len(client.get_instance_interfaces(uuid)) == 1
assert client.get_instance_events(uuid)[0]["message"]
refused(apiclient.ResourceNotFoundException, client.get_instance, "nosuch")
refused(apiclient.RequestMalformedException, client.create_instance, "x.y", 1, 1024, None, [disk], None, None)

client.power_off_instance(uuid)
assert client.get_instance(uuid)["power_state"] == "off"
refused(apiclient.ResourceStateConflictException, client.pause_instance, uuid)
client.power_on_instance(uuid)
client.reboot_instance(uuid, hard=False)
client.reboot_instance(uuid, hard=True)
client.pause_instance(uuid)
assert client.get_instance(uuid)["power_state"] == "paused"
client.unpause_instance(uuid)
client.await_agent_ready(uuid, timeout=20)

client.set_instance_metadata_item(uuid, "foo", {"bar": [1]})
assert client.get_instance_metadata(uuid)["foo"] == {"bar": [1]}
client.delete_instance_metadata_item(uuid, "foo")
assert "foo" not in client.get_instance_metadata(uuid)

result = agent(client.instance_execute(uuid, "echo hello; exit 3"))["0"]
assert (result["stdout"], result["return-code"]) == ("hello\n", 3), result
upload = client.create_upload()
client.send_upload(upload["uuid"], b"hello ")
client.send_upload(upload["uuid"], b"world\n")
artifact = client.upload_artifact("upload-to-instance", upload["uuid"], artifact_type="other")
agent(client.instance_put_blob(uuid, artifact["blob_uuid"], "/tmp/greeting", 0o100640))
blob = agent(client.instance_get(uuid, "/tmp/greeting"))["0"]["content_blob"]
assert b"".join(client.get_blob_data(blob)) == b"hello world\n"
known = client.get_blob(blob)
assert client.get_blob_by_sha512(known["sha512"])["size"] == 12
assert len(client.get_instance_agentoperations(uuid, all=True)) == 3

assert "boot" in client.get_console_data(uuid)
client.delete_console_data(uuid)
assert client.get_console_data(uuid) == ""
assert "[virt-viewer]" in client.get_vdi_console_helper(uuid)
assert b"".join(client.get_screenshot(uuid)).startswith(b"P6")
plugged = client.add_instance_interface(uuid, {"network_uuid": network["uuid"], "address": "10.0.0.77"})
assert plugged["ipv4"] == "10.0.0.77"
assert any(one["address"] == "10.0.0.77" for one in client.get_network_addresses(network["uuid"]))

client.delete_instance(uuid)
until(lambda: client.get_instance(uuid)["state"] == "deleted")
client.create_instance("other", 1, 1024, None, [disk], None, None)
client.delete_all_instances("demo")
until(lambda: not client.get_instances())
print("all went well")
