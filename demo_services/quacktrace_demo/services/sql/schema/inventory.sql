create table item (id integer primary key, name text not null, price_cents integer not null);
create table stock (item_id integer primary key, on_hand integer not null, counted_at real not null);
create table reservation (order_id text not null, item_id integer not null, quantity integer not null);
create index reservations_by_order on reservation (order_id);
