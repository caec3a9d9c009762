"""Arrow tables in the region, as IPC streams: written once, read in place."""

from __future__ import annotations

from typing import Any


def store(cache: Any, key: str | bytes, data: Any, ttl: Any) -> None:
    import pyarrow as pa

    table = pa.Table.from_batches([data]) if isinstance(data, pa.RecordBatch) else data
    # Once to nowhere, to learn the length.
    counter = pa.MockOutputStream()
    _write(counter, table)
    with cache.reserve(key, counter.size(), ttl=ttl) as reservation:
        with memoryview(reservation) as memory:
            buffer = pa.py_buffer(memory)
            sink = pa.FixedSizeBufferWriter(buffer)
            _write(sink, table)
            sink.close()
            del sink, buffer


def _write(sink: Any, table: Any) -> None:
    import pyarrow.ipc as ipc

    with ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def load(cache: Any, key: str | bytes) -> Any:
    import pyarrow as pa
    import pyarrow.ipc as ipc

    view = cache.view(key)
    if view is None:
        return None
    return ipc.open_stream(pa.py_buffer(view)).read_all()
