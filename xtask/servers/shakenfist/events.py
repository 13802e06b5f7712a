"""The server's own event log, without its port for metrics."""
import prometheus_client

prometheus_client.start_http_server = lambda *args, **options: None

from shakenfist.daemons import eventlog  # noqa: E402

eventlog.Monitor("eventlog").run()
