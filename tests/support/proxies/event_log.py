"""The log of the ztunnel stand-in on stdout: one JSON object a line, one line a connection."""

import contextlib
import json
import time


class EventLog:
    @contextlib.contextmanager
    def connection(self, listener: int | str, src=None, dst=None,
                   only_failure: bool = False):
        """Gives a record to fill in; writes it when the block ends, with the error if it fails."""
        record = {"time": time.time(), "listener": listener, "src": src, "dst": dst,
                  "identity": None, "hbone": False, "upstream": None, "upstream_src": None,
                  "authority": None, "error": None}
        try:
            yield record
        except Exception as error:
            record["error"] = f"{type(error).__name__}: {error}"
            self._write(record)
            raise
        if not only_failure:
            self._write(record)

    def ready(self) -> None:
        """Says that every listener is open."""
        self._write({"time": time.time(), "event": "ready"})

    @staticmethod
    def _write(record: dict) -> None:
        print(json.dumps(record, default=str), flush=True)
