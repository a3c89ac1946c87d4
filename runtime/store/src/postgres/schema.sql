CREATE SCHEMA IF NOT EXISTS flow;

-- `forgotten`: request ids from before this time may have been forgotten.
CREATE TABLE flow.meta (format int8 NOT NULL, forgotten int8 NOT NULL);
INSERT INTO flow.meta VALUES (5, 0);

CREATE TABLE flow.program (hash bytea PRIMARY KEY, artifact bytea NOT NULL);

CREATE TABLE flow.worker (
    id uuid PRIMARY KEY,
    pid int8 NOT NULL,
    host text NOT NULL,
    lock_key int8 NOT NULL,
    -- Which formats of programs and instances it reads.
    formats int8 NOT NULL,
    heartbeat timestamptz NOT NULL
) WITH (fillfactor = 50);

-- `root` is nil for the lease of a whole shard. The row changes only when it changes hands.
CREATE TABLE flow.lease (
    shard int2 NOT NULL,
    root uuid NOT NULL,
    token uuid,
    worker uuid,
    PRIMARY KEY (shard, root)
) WITH (fillfactor = 50);

CREATE TABLE flow.instance (
    shard int2 NOT NULL,
    id uuid NOT NULL,
    root uuid NOT NULL,
    parent uuid,
    parent_strand text,
    name text NOT NULL,
    workflow text NOT NULL,
    program bytea NOT NULL,
    status text NOT NULL,
    version int8 NOT NULL,
    created_at int8 NOT NULL,
    updated_at int8 NOT NULL,
    input bytea NOT NULL,
    output bytea,
    error bytea,
    state bytea NOT NULL,
    attributes jsonb NOT NULL,
    CONSTRAINT instance_pkey PRIMARY KEY (shard, id),
    CONSTRAINT instance_name_key UNIQUE (name)
) WITH (fillfactor = 50);
-- Only on columns that never change, so that updates stay heap-only.
CREATE INDEX instance_id ON flow.instance (id);
CREATE INDEX instance_created ON flow.instance (created_at);
-- Only of what never changes, so that updates stay in the page.
CREATE INDEX instance_child ON flow.instance (shard, root) WHERE parent IS NOT NULL;

CREATE TABLE flow.strand (
    shard int2 NOT NULL,
    instance uuid NOT NULL,
    path text COLLATE "C" NOT NULL,
    version int8 NOT NULL,
    open_call bool NOT NULL,
    meta bytea NOT NULL,
    frame bytea NOT NULL,
    PRIMARY KEY (shard, instance, path)
) WITH (fillfactor = 50);

CREATE TABLE flow.compensation (
    shard int2 NOT NULL,
    instance uuid NOT NULL,
    path text COLLATE "C" NOT NULL,
    position int8 NOT NULL,
    saga int8 NOT NULL,
    image bytea NOT NULL,
    PRIMARY KEY (shard, instance, path)
);

CREATE TABLE flow.timer (
    shard int2 NOT NULL,
    instance uuid NOT NULL,
    id text COLLATE "C" NOT NULL,
    due int8 NOT NULL,
    PRIMARY KEY (shard, instance, id)
);
CREATE INDEX timer_due ON flow.timer (shard, due);

CREATE TABLE flow.history (
    shard int2 NOT NULL,
    instance uuid NOT NULL,
    sequence int8 NOT NULL,
    at int8 NOT NULL,
    event bytea NOT NULL,
    PRIMARY KEY (shard, instance, sequence)
);

CREATE TABLE flow.inbox (
    shard int2 NOT NULL,
    id uuid NOT NULL,
    root uuid NOT NULL,
    instance uuid NOT NULL,
    at int8 NOT NULL,
    message bytea NOT NULL,
    PRIMARY KEY (shard, id)
);

-- Messages that their instance has taken from the inbox and keeps until they are received.
CREATE TABLE flow.message (
    shard int2 NOT NULL,
    instance uuid NOT NULL,
    number int8 NOT NULL,
    message bytea NOT NULL,
    CONSTRAINT message_pkey PRIMARY KEY (shard, instance, number)
);

-- Answers to requests that want one, under the request's id.
CREATE TABLE flow.reply (
    shard int2 NOT NULL,
    id uuid NOT NULL,
    instance uuid NOT NULL,
    at int8 NOT NULL,
    reply bytea NOT NULL,
    PRIMARY KEY (shard, id)
);
CREATE INDEX reply_at ON flow.reply (at);

-- The ids of messages that were accepted: a repeat is known when the message itself is consumed, until it is forgotten.
CREATE TABLE flow.request (
    shard int2 NOT NULL,
    id uuid NOT NULL,
    instance uuid NOT NULL,
    at int8 NOT NULL,
    PRIMARY KEY (shard, id)
);
CREATE INDEX request_at ON flow.request (at);

CREATE TABLE flow.completion (
    shard int2 NOT NULL,
    key bytea NOT NULL,
    instance uuid NOT NULL,
    at int8 NOT NULL,
    outcome bytea NOT NULL,
    CONSTRAINT completion_pkey PRIMARY KEY (shard, key)
);
CREATE INDEX completion_instance ON flow.completion (shard, instance);

-- Already compact: compressing them again would only cost time.
ALTER TABLE flow.program ALTER artifact SET STORAGE EXTERNAL;
ALTER TABLE flow.instance ALTER input SET STORAGE EXTERNAL, ALTER output SET STORAGE EXTERNAL,
    ALTER state SET STORAGE EXTERNAL;
ALTER TABLE flow.strand ALTER meta SET STORAGE EXTERNAL, ALTER frame SET STORAGE EXTERNAL;
ALTER TABLE flow.compensation ALTER image SET STORAGE EXTERNAL;
ALTER TABLE flow.history ALTER event SET STORAGE EXTERNAL;
ALTER TABLE flow.inbox ALTER message SET STORAGE EXTERNAL;
ALTER TABLE flow.message ALTER message SET STORAGE EXTERNAL;
ALTER TABLE flow.reply ALTER reply SET STORAGE EXTERNAL;
ALTER TABLE flow.completion ALTER outcome SET STORAGE EXTERNAL;

-- Nanoseconds since 1970 on this server's clock.
CREATE FUNCTION flow.now() RETURNS int8 LANGUAGE sql VOLATILE AS
$$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8 * 1000 $$;

-- Whether a worker's process lives: it holds its session lock, and its machine has not vanished.
CREATE FUNCTION flow.alive(of uuid) RETURNS bool LANGUAGE plpgsql VOLATILE AS $$
DECLARE known flow.worker;
BEGIN
    SELECT * INTO known FROM flow.worker WHERE id = of;
    RETURN known.id IS NOT NULL
        AND known.heartbeat > clock_timestamp() - interval '15 seconds'
        AND NOT pg_try_advisory_xact_lock_shared(known.lock_key);
END $$;

-- The lock of a tree against its end while a message is accepted: of the random end of its id. It is no lock on the row, on which
-- many senders would keep the owner from writing.
CREATE FUNCTION flow.tree_lock(root uuid) RETURNS int4 LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN ('x' || right(root::text, 8))::bit(32)::int4;
END $$;

-- Accepts a message for an instance that has not ended. The answer is how that stands, for whom the request's id was used
-- before, if it was, and whether that may have been forgotten, where the message may have been sent before at `asked`.
CREATE FUNCTION flow.accept(
    request uuid, receiver uuid, body bytea, asked int8,
    OUT its_root uuid, OUT its_status text, OUT used_for uuid, OUT is_forgotten bool)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE its_shard int2; accepted int8;
BEGIN
    SELECT i.shard, i.root INTO its_shard, its_root FROM flow.instance i WHERE i.id = receiver;
    PERFORM pg_advisory_xact_lock_shared(1718382455, flow.tree_lock(its_root));
    SELECT i.status INTO its_status FROM flow.instance i WHERE i.shard = its_shard AND i.id = receiver;
    SELECT r.instance INTO used_for FROM flow.request r WHERE r.shard = its_shard AND r.id = request;
    -- After the look for the id: what was forgotten before that is told by now.
    SELECT used_for IS NULL AND asked < m.forgotten INTO is_forgotten FROM flow.meta m;
    IF is_forgotten OR used_for IS NOT NULL OR its_status IS NULL
        OR its_status NOT IN ('running', 'paused', 'stuck') THEN
        RETURN;
    END IF;
    accepted := flow.now();
    INSERT INTO flow.request VALUES (its_shard, request, receiver, accepted) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        INSERT INTO flow.inbox (shard, id, root, instance, at, message)
        VALUES (its_shard, request, its_root, receiver, accepted, body);
    ELSE
        -- Somebody else used it between the two statements.
        SELECT r.instance INTO used_for FROM flow.request r WHERE r.shard = its_shard AND r.id = request;
    END IF;
END $$;

-- Forgets request ids and answers from before a time, at most so many of each: how many. What still waits is kept, in the inbox or
-- for the end of a pause.
CREATE FUNCTION flow.forget(before int8, at_most int4) RETURNS int8 LANGUAGE plpgsql VOLATILE AS $$
DECLARE requests int8; replies int8;
BEGIN
    UPDATE flow.meta SET forgotten = before WHERE forgotten < before;
    DELETE FROM flow.request t USING (
        SELECT r.shard, r.id FROM flow.request r
        WHERE r.at < before
            AND NOT EXISTS (SELECT FROM flow.inbox m WHERE m.shard = r.shard AND m.id = r.id)
            AND NOT EXISTS (
                SELECT FROM flow.instance i WHERE i.shard = r.shard AND i.id = r.instance AND i.status = 'paused')
        ORDER BY r.at LIMIT at_most) AS d
    WHERE t.shard = d.shard AND t.id = d.id;
    GET DIAGNOSTICS requests = ROW_COUNT;
    DELETE FROM flow.reply t USING (
        SELECT r.shard, r.id FROM flow.reply r WHERE r.at < before ORDER BY r.at LIMIT at_most) AS d
    WHERE t.shard = d.shard AND t.id = d.id;
    GET DIAGNOSTICS replies = ROW_COUNT;
    RETURN requests + replies;
END $$;

-- What follows is called by every commit. It is plpgsql throughout, since that keeps its plans for the session, while
-- LANGUAGE sql plans at each call.
--
-- The first thing in every write: locks the lease rows, then compares. Volatile, so that each statement below sees what
-- was committed while the one before it waited for a lock.
CREATE FUNCTION flow.fence(shards int2[], roots uuid[], tokens uuid[], tree_shards int2[], tree_roots uuid[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE lost text;
BEGIN
    -- One look-up each rather than a join: a batch has few leases, and the usual one is a single write.
    FOR i IN 1 .. cardinality(shards) LOOP
        PERFORM FROM flow.lease l WHERE l.shard = shards[i] AND l.root = roots[i] AND l.token = tokens[i] FOR SHARE;
        IF NOT FOUND THEN
            lost := concat_ws(',', lost, shards[i] || ' ' || roots[i]);
        END IF;
    END LOOP;
    -- A tree that is leased on its own is not its shard's.
    FOR i IN 1 .. cardinality(tree_roots) LOOP
        PERFORM FROM flow.lease l WHERE l.shard = tree_shards[i] AND l.root = tree_roots[i];
        IF FOUND THEN
            lost := concat_ws(',', lost, tree_shards[i] || ' 00000000-0000-0000-0000-000000000000');
        END IF;
    END LOOP;
    IF lost IS NOT NULL THEN
        RAISE EXCEPTION 'lease lost' USING ERRCODE = 'FL001', DETAIL = lost;
    END IF;
END $$;

CREATE FUNCTION flow.drop_strands(shards int2[], instances uuid[], paths text[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    DELETE FROM flow.strand t USING unnest(shards, instances, paths) AS d (shard, instance, path)
    WHERE t.shard = d.shard AND t.instance = d.instance AND t.path = d.path;
END $$;

CREATE FUNCTION flow.drop_compensations(shards int2[], instances uuid[], paths text[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    DELETE FROM flow.compensation t USING unnest(shards, instances, paths) AS d (shard, instance, path)
    WHERE t.shard = d.shard AND t.instance = d.instance AND t.path = d.path;
END $$;

CREATE FUNCTION flow.drop_timers(shards int2[], instances uuid[], ids text[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    DELETE FROM flow.timer t USING unnest(shards, instances, ids) AS d (shard, instance, id)
    WHERE t.shard = d.shard AND t.instance = d.instance AND t.id = d.id;
END $$;

CREATE FUNCTION flow.drop_messages(shards int2[], instances uuid[], numbers int8[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    DELETE FROM flow.message t USING unnest(shards, instances, numbers) AS d (shard, instance, number)
    WHERE t.shard = d.shard AND t.instance = d.instance AND t.number = d.number;
END $$;

CREATE FUNCTION flow.drop_inbox(shards int2[], ids uuid[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    DELETE FROM flow.inbox t USING unnest(shards, ids) AS d (shard, id) WHERE t.shard = d.shard AND t.id = d.id;
END $$;

-- The last thing of a batch that ends trees: nothing that was accepted for them is left unread, so that whoever sent it hears what
-- became of it. Who is about to accept a message is waited for, and who comes later sees the end.
CREATE FUNCTION flow.check_ends(shards int2[], roots uuid[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE unread text;
BEGIN
    FOR i IN 1 .. cardinality(roots) LOOP
        PERFORM pg_advisory_xact_lock(1718382455, flow.tree_lock(roots[i]));
    END LOOP;
    SELECT m.root::text INTO unread FROM flow.inbox m, unnest(shards, roots) AS d (shard, root)
    WHERE m.shard = d.shard AND m.root = d.root LIMIT 1;
    IF unread IS NOT NULL THEN
        RAISE EXCEPTION 'messages are unread' USING ERRCODE = 'FL003', DETAIL = unread;
    END IF;
END $$;

CREATE FUNCTION flow.drop_completions(shards int2[], keys bytea[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    DELETE FROM flow.completion t USING unnest(shards, keys) AS d (shard, key) WHERE t.shard = d.shard AND t.key = d.key;
END $$;

CREATE FUNCTION flow.add_instances(
    shards int2[], ids uuid[], roots uuid[], parents uuid[], parent_strands text[], names text[], workflows text[],
    programs bytea[], statuses text[], versions int8[], created int8[], updated int8[], inputs bytea[],
    outputs bytea[], errors bytea[], states bytea[], attributes jsonb[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO flow.instance SELECT * FROM unnest(shards, ids, roots, parents, parent_strands, names, workflows,
        programs, statuses, versions, created, updated, inputs, outputs, errors, states, attributes);
END $$;

CREATE FUNCTION flow.change_instances(
    shards int2[], ids uuid[], new_versions int8[], programs bytea[], statuses text[], updated int8[],
    outputs bytea[], errors bytea[], states bytea[], new_attributes jsonb[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE done int8; guilty text;
BEGIN
    UPDATE flow.instance t SET version = d.version, program = d.program, status = d.status,
        updated_at = d.updated, output = d.output, error = d.error, state = d.state, attributes = d.attributes
    FROM unnest(shards, ids, new_versions, programs, statuses, updated, outputs, errors, states, new_attributes)
        AS d (shard, id, version, program, status, updated, output, error, state, attributes)
    WHERE t.shard = d.shard AND t.id = d.id AND t.version = d.version - 1;
    GET DIAGNOSTICS done = ROW_COUNT;
    IF done <> cardinality(ids) THEN
        SELECT d.id::text INTO guilty FROM unnest(shards, ids, new_versions) AS d (shard, id, version)
        LEFT JOIN flow.instance t ON t.shard = d.shard AND t.id = d.id AND t.version = d.version
        WHERE t.id IS NULL LIMIT 1;
        RAISE EXCEPTION 'the instance is at another version' USING ERRCODE = 'FL002', DETAIL = coalesce(guilty, ids[1]::text);
    END IF;
END $$;

CREATE FUNCTION flow.add_strands(
    shards int2[], instances uuid[], paths text[], versions int8[], calls bool[], metas bytea[], frames bytea[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO flow.strand SELECT * FROM unnest(shards, instances, paths, versions, calls, metas, frames);
END $$;

CREATE FUNCTION flow.change_strands(
    shards int2[], instances uuid[], paths text[], new_versions int8[], calls bool[], metas bytea[], frames bytea[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE done int8; guilty text; which text;
BEGIN
    UPDATE flow.strand t SET version = d.version, open_call = d.call, meta = d.meta, frame = d.frame
    FROM unnest(shards, instances, paths, new_versions, calls, metas, frames)
        AS d (shard, instance, path, version, call, meta, frame)
    WHERE t.shard = d.shard AND t.instance = d.instance AND t.path = d.path AND t.version = d.version - 1;
    GET DIAGNOSTICS done = ROW_COUNT;
    IF done <> cardinality(instances) THEN
        SELECT d.instance::text, d.path INTO guilty, which
        FROM unnest(shards, instances, paths, new_versions) AS d (shard, instance, path, version)
        LEFT JOIN flow.strand t
            ON t.shard = d.shard AND t.instance = d.instance AND t.path = d.path AND t.version = d.version
        WHERE t.instance IS NULL LIMIT 1;
        RAISE EXCEPTION 'strand % is at another version', coalesce(which, '?')
            USING ERRCODE = 'FL002', DETAIL = coalesce(guilty, instances[1]::text);
    END IF;
END $$;

CREATE FUNCTION flow.put_compensations(
    shards int2[], instances uuid[], paths text[], positions int8[], sagas int8[], images bytea[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO flow.compensation SELECT * FROM unnest(shards, instances, paths, positions, sagas, images)
    ON CONFLICT (shard, instance, path)
    DO UPDATE SET position = excluded.position, saga = excluded.saga, image = excluded.image;
END $$;

CREATE FUNCTION flow.put_timers(shards int2[], instances uuid[], ids text[], dues int8[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO flow.timer SELECT * FROM unnest(shards, instances, ids, dues)
    ON CONFLICT (shard, instance, id) DO UPDATE SET due = excluded.due;
END $$;

CREATE FUNCTION flow.add_messages(shards int2[], instances uuid[], numbers int8[], messages bytea[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    -- A commit whose answer was lost may be there already.
    INSERT INTO flow.message SELECT * FROM unnest(shards, instances, numbers, messages) ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION flow.add_replies(shards int2[], ids uuid[], instances uuid[], ats int8[], replies bytea[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO flow.reply SELECT * FROM unnest(shards, ids, instances, ats, replies) ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION flow.add_history(shards int2[], instances uuid[], sequences int8[], ats int8[], events bytea[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO flow.history SELECT * FROM unnest(shards, instances, sequences, ats, events);
END $$;
