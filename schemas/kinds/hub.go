package kinds

// hub is the schema of hub.yaml.
func hub(Input) object {
	return keys("The hub itself.", []string{"secrets"}, object{
		"store": object{"type": "string", "pattern": `^(sqlite:|postgres(ql)?:|\$\{(env|file):)`, "default": "sqlite:data/hub.db",
			"description": "Where messages are kept: sqlite:FILE, postgres://HOST/DATABASE, or the whole URL as ${env:NAME}.",
			"examples":    []string{"sqlite:data/hub.db", "postgres://db.example.test/hub", "${env:DATABASE_URL}"}},
		"listen": object{"type": "string", "pattern": address, "default": "127.0.0.1:8377", "description": "API, metrics and status page: HOST:PORT."},
		"token":  secret("Token of the API; left out, every start invents one"),
		"intake": keys("Where webhooks come in.", nil, object{
			"listen":   object{"type": "string", "pattern": address, "default": "127.0.0.1:8378", "description": "HOST:PORT; put TLS in front of it."},
			"max_body": object{"type": []string{"string", "integer"}, "pattern": size, "minimum": 0, "default": "2MiB", "description": "The largest body that is taken: 512KiB, 2MiB."},
		}),
		"time_zone": object{"type": "string", "default": "Asia/Shanghai", "description": "IANA name of the zone of jobs and of times without one."},
		"log":       object{"type": "string", "enum": []string{"debug", "info", "warn", "error"}, "default": "info", "description": "The level of the log."},
		"retry": keys("What fails in passing is tried again by itself, later each time.", nil, object{
			"base":  spanOf("The first wait.", ""),
			"max":   spanOf("The longest wait.", ""),
			"age":   spanOf("How long it is tried; then it parks for a person.", ""),
			"probe": spanOf("The first look whether a vendor that was down is back.", ""),
		}),
		"backlog":   count("How many unfinished messages are taken before intake slows down.", 20_000),
		"retention": spanOf("How long documents and the results of bulk replays are kept; keys, states, receipts and each replay's counts stay.", "180d"),
		"alarms":    alarms(),
		"people":    people(),
		"traces":    traces(),
		"secrets": keys("The hub's own keys.", []string{"search_key"}, object{
			"search_key": secret("Key of the hashes under which phones and numbers are found; never change its value"),
			"vault_key":  secret("Key under which rotating vendor tokens are kept"),
		}),
	})
}

// jobs is the schema of jobs.yaml.
func jobs(Input) object {
	does := func(key string, rest object) object {
		return object{"required": []string{key}, "properties": object{key: rest}}
	}
	job := keys("A job does one thing: pull, sweep, retention or reconcile.", []string{"job", "every"}, object{
		"job":       words("Its name, unique."),
		"text":      scalar("What it is for."),
		"every":     object{"type": "string", "minLength": 1, "description": "@every SPAN, or six fields: second minute hour day month weekday.", "examples": []string{"@every 30s", "0 30 3 * * *"}},
		"time_zone": words("IANA name of the zone of its clock; the hub's unless given."),
		"pull":      list("Streams to pull: connection.stream; * is every connection that has the stream.", object{"type": "string", "pattern": `^[\s\S]*\.`}),
		"sweep":     flag("Puts unfinished rows that no lane holds back into theirs."),
		"retention": flag("Drops documents and results of bulk replays older than hub.yaml's retention."),
		"reconcile": object{"description": "Compares sources, hub and targets.", "anyOf": []object{{"type": "null"}, keys("", nil, object{
			"flows":  list("The flows to compare; all unless given.", words("Name of a flow.")),
			"window": spanOf("How far back.", "24h"),
			"grace":  spanOf("What is younger has time to arrive.", "30m"),
			"heal":   flag("Also send what is missing, where that is safe."),
		})}},
	})
	job["oneOf"] = []object{
		does("pull", object{"type": "array", "minItems": 1}),
		does("sweep", object{"const": true}),
		does("retention", object{"const": true}),
		does("reconcile", object{"type": "object"}),
	}
	return keys("What the hub does by the clock.", nil, object{"jobs": object{"type": []string{"array", "null"}, "items": job, "description": "The jobs."}})
}

// lookup is the schema of lookups/*.yaml.
func lookup(Input) object {
	return keys("A code table that mappings look into.", []string{"table"}, object{
		"table":       object{"type": "string", "pattern": `\S`, "description": "The table's name, as the file is called."},
		"description": object{"type": "string", "pattern": `\S`, "description": "What is looked up, and what it gives."},
		"entries":     object{"type": []string{"object", "null"}, "description": "Code -> value, any YAML value; null removes a shipped entry. Codes with leading zeros need quotes."},
	})
}
