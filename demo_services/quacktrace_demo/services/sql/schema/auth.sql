create table credential (user_id integer primary key, salt blob not null, password_hash blob not null);
create table session (token text primary key, user_id integer not null, created_at real not null);
