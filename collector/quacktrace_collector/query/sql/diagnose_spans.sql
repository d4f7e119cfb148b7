select
    trace_id,
    span_id,
    coalesce(parent_span_id, '0000000000000000') as parent_span_id,
    service_name,
    name,
    kind,
    epoch_ns(start_time) as start_ns,
    duration_ns,
    status_code = 'ERROR' as failed,
    case when kind in ('CLIENT', 'PRODUCER') then coalesce(peer_service, server_address) end as peer,
    service_version,
    service_instance_id
from spans
where
    start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
    and ($one_in = 1 or hash(trace_id) % $one_in = 0)
