-- Heartbeats: the target calls us, at an address that nobody can guess.

-- 244 random bits as 43 characters that need no escaping in a path.
CREATE FUNCTION heartbeat_token_new() RETURNS text LANGUAGE sql VOLATILE
RETURN rtrim(translate(encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64'),
                       '+/', '-_'), '=');

-- Kept as it is, not hashed: whoever sets a job up, or moves it, needs the address again, and all that it opens is to say
-- how this one job is. A leaked one is exchanged. Views and the journal never show it.
ALTER TABLE health_check ADD COLUMN heartbeat_token text CHECK (octet_length(heartbeat_token) = 43);

CREATE UNIQUE INDEX health_check_heartbeat_token ON health_check (heartbeat_token) WHERE heartbeat_token IS NOT NULL;

CREATE FUNCTION health_check_heartbeat_token() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.heartbeat_token := heartbeat_token_new();
    RETURN NEW;
END $$;

CREATE TRIGGER heartbeat_token BEFORE INSERT ON health_check
    FOR EACH ROW WHEN (NEW.kind = 'heartbeat') EXECUTE FUNCTION health_check_heartbeat_token();
