select
    placed.id,
    placed.user_id,
    placed.total_cents,
    placed.state,
    (
        select count(*)
        from orders as earlier not indexed
        where earlier.tenant = placed.tenant and earlier.user_id = placed.user_id and earlier.placed_at < placed.placed_at
    ) as earlier_orders
from orders as placed not indexed
where placed.tenant = ?
order by earlier_orders desc, placed.placed_at desc
limit 20
