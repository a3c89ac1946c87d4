-- `forgotten`: request ids from before this time may have been forgotten.
CREATE TABLE flow_meta (format INTEGER NOT NULL, forgotten INTEGER NOT NULL) STRICT;
INSERT INTO flow_meta VALUES (4, 0);

CREATE TABLE flow_program (
    hash BLOB PRIMARY KEY,
    artifact BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE flow_worker (
    id BLOB PRIMARY KEY,
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    -- Which formats of programs and instances it reads.
    formats INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `root` is nil for the lease of a whole shard.
CREATE TABLE flow_lease (
    shard INTEGER NOT NULL,
    root BLOB NOT NULL,
    token BLOB NOT NULL,
    worker BLOB NOT NULL,
    PRIMARY KEY (shard, root)
) STRICT, WITHOUT ROWID;

CREATE TABLE flow_instance (
    id BLOB NOT NULL PRIMARY KEY,
    shard INTEGER NOT NULL,
    root BLOB NOT NULL,
    parent BLOB,
    parent_strand TEXT,
    name TEXT NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    program BLOB NOT NULL,
    status TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    input BLOB NOT NULL,
    output BLOB,
    error BLOB,
    state BLOB NOT NULL,
    -- Search attributes: a JSON object.
    attributes TEXT NOT NULL
) STRICT;
CREATE INDEX flow_instance_shard ON flow_instance (shard, root);
CREATE INDEX flow_instance_created ON flow_instance (created_at);

CREATE TABLE flow_strand (
    instance BLOB NOT NULL,
    path TEXT NOT NULL,
    version INTEGER NOT NULL,
    open_call INTEGER NOT NULL,
    meta BLOB NOT NULL,
    frame BLOB NOT NULL,
    PRIMARY KEY (instance, path)
) STRICT;

CREATE TABLE flow_compensation (
    instance BLOB NOT NULL,
    path TEXT NOT NULL,
    position INTEGER NOT NULL,
    saga INTEGER NOT NULL,
    image BLOB NOT NULL,
    PRIMARY KEY (instance, path)
) STRICT;

CREATE TABLE flow_timer (
    instance BLOB NOT NULL,
    id TEXT NOT NULL,
    shard INTEGER NOT NULL,
    due INTEGER NOT NULL,
    PRIMARY KEY (instance, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX flow_timer_due ON flow_timer (shard, due);

CREATE TABLE flow_history (
    instance BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event BLOB NOT NULL,
    PRIMARY KEY (instance, sequence)
) STRICT, WITHOUT ROWID;

-- `number` only grows: a waiter sees by it that something came.
CREATE TABLE flow_inbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    shard INTEGER NOT NULL,
    root BLOB NOT NULL,
    instance BLOB NOT NULL,
    at INTEGER NOT NULL,
    message BLOB NOT NULL
) STRICT;

-- Messages that their instance has taken from the inbox and keeps until they are received.
CREATE TABLE flow_message (
    instance BLOB NOT NULL,
    number INTEGER NOT NULL,
    message BLOB NOT NULL,
    PRIMARY KEY (instance, number)
) STRICT, WITHOUT ROWID;

-- Answers to requests that want one, under the request's id.
CREATE TABLE flow_reply (
    id BLOB PRIMARY KEY,
    instance BLOB NOT NULL,
    at INTEGER NOT NULL,
    reply BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX flow_reply_at ON flow_reply (at);

-- The ids of messages that were accepted: a repeat is known when the message itself is consumed, until it is forgotten.
CREATE TABLE flow_request (
    id BLOB PRIMARY KEY,
    instance BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX flow_request_at ON flow_request (at);

CREATE TABLE flow_completion (
    key BLOB PRIMARY KEY,
    instance BLOB NOT NULL,
    at INTEGER NOT NULL,
    outcome BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX flow_completion_instance ON flow_completion (instance);
