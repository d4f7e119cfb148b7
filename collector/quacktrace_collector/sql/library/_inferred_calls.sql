-- One row per CLIENT or PRODUCER span whose callee sent no span of its own and can be named.
-- "Answered" also covers a SERVER child in the same service (a service that calls itself) and a nested client of the same
-- sort (requests around urllib3, SQLAlchemy around psycopg): only the innermost of those really left the process.
with outgoing as (
    select
        trace_id,
        span_id,
        parent_span_id,
        start_time,
        duration_ns,
        service_name,
        kind,
        status_code,
        case
            when db_system <> '' then 'database'
            when messaging_system <> '' then 'messaging'
            else 'external'
        end as type,
        case
            when server_address <> '' then
                server_address || case when server_port is null or server_port in (80, 443) then '' else ':' || server_port end
        end as address,
        db_system,
        db_namespace,
        messaging_system,
        messaging_destination_name,
        peer_service,
        rpc_system
    from spans
    where kind in ('CLIENT', 'PRODUCER')
),

named as (
    select
        *,
        case
            when type = 'database' and address is null then db_system || '@' || service_name
            when type = 'database' then db_system || '://' || address || coalesce('/' || nullif(db_namespace, ''), '')
            when type = 'messaging' and address is null and messaging_destination_name <> ''
                then messaging_system || '/' || messaging_destination_name
            when type = 'messaging' and address is null then messaging_system || '@' || service_name
            when type = 'messaging'
                then messaging_system || '://' || address || coalesce('/' || nullif(messaging_destination_name, ''), '')
            when peer_service <> '' then peer_service
            when address is not null then address
            when rpc_system <> '' then rpc_system || '@' || service_name
        end as node
    from outgoing
),

answered as (
    select
        caller.trace_id,
        caller.span_id
    from named as caller
    inner join spans as callee
        on callee.trace_id = caller.trace_id and callee.parent_span_id = caller.span_id
    where
        callee.service_name <> caller.service_name
        or callee.kind in ('SERVER', 'CONSUMER')
        or (
            callee.kind in ('CLIENT', 'PRODUCER')
            and caller.type = case
                when callee.db_system <> '' then 'database'
                when callee.messaging_system <> '' then 'messaging'
                else 'external'
            end
        )
)

select
    named.trace_id,
    named.span_id,
    named.start_time,
    named.duration_ns,
    named.status_code,
    named.service_name as client_service,
    named.node as server_service,
    named.type
from named
where
    named.node is not null
    and not exists (
        select 1
        from answered
        where answered.trace_id = named.trace_id and answered.span_id = named.span_id
    )
