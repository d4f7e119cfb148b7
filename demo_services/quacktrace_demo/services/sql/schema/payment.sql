create table payment (
    id text primary key,
    tenant text not null,
    user_id integer not null,
    amount_cents integer not null,
    state text not null,
    authorisation text,
    created_at real not null
);
create table fraud_rule (tenant text primary key, limit_cents integer not null);
