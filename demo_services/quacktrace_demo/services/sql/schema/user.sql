create table user (
    id integer primary key,
    tenant text not null,
    name text not null,
    email text not null,
    loyalty_tier text not null,
    loyalty_points integer not null,
    is_active integer not null
);
create table address (user_id integer primary key, street text not null, city text not null, postcode text);
