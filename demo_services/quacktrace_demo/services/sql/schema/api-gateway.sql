create table tenant (name text primary key, api_key text not null unique, plan text not null);
create table checkout (idempotency_key text primary key, order_id text, placed_at real not null);
