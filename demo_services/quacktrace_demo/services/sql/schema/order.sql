create table orders (
    id text primary key,
    tenant text not null,
    user_id integer not null,
    total_cents integer not null,
    state text not null,
    placed_at real not null
);
create index orders_by_customer on orders (tenant, user_id, placed_at);
create table order_line (order_id text not null, item_id integer not null, quantity integer not null);
create index order_lines_by_order on order_line (order_id);
