-- Without its where: one trace and a range of time are exported by the same columns.
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
    status_code,
    status_message,
    attributes,
    attributes_types,
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
    dropped_links_count,
    resource,
    resource_types,
    resource_dropped_attributes_count,
    resource_entity_refs,
    resource_schema_url,
    scope_name,
    scope_version,
    scope_attributes,
    scope_attributes_types,
    scope_dropped_attributes_count,
    scope_schema_url,
    epoch_ns(received_at) as received_ns,
    coalesce(attributes['quacktrace.span.state'], '') = 'open' as is_open
from spans
