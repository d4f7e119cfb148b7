select
    trace_id,
    span_id,
    parent_span_id,
    trace_state,
    flags,
    name,
    kind,
    epoch_ns(start_time) as start_ns,
    epoch_ns(end_time) as end_ns,
    duration_ns,
    status_code,
    status_message,
    service_name,
    service_namespace,
    service_version,
    service_instance_id,
    deployment_environment,
    scope_name,
    scope_version,
    resource_schema_url,
    scope_schema_url,
    epoch_ns(received_at) as received_ns,
    attributes,
    attributes_types,
    resource,
    resource_types,
    scope_attributes,
    scope_attributes_types,
    list_transform(
        events,
        lambda event: {
            'time_ns': epoch_ns(event.time),
            'name': event.name,
            'attributes': event.attributes,
            'attributes_types': event.attributes_types,
            'dropped_attributes_count': event.dropped_attributes_count
        }
    ) as events,
    links,
    dropped_attributes_count,
    dropped_events_count,
    dropped_links_count
from spans
where trace_id = $trace_id and span_id = $span_id
order by coalesce(attributes['quacktrace.span.state'], '') = 'open', received_at
limit 1
