package kinds

// traces is the schema of `traces` of hub.yaml.
func traces() object {
	return keys("Where OpenTelemetry traces go; nothing is traced without it.", []string{"endpoint"}, object{
		"endpoint": object{"type": "string", "pattern": `^https?://[^/?#@]+(/[^?#]*)?$`, "description": "OTLP/HTTP address of the collector; without a path /v1/traces.",
			"examples": []string{"https://collector.example.com:4318/v1/traces"}},
		"headers": object{"type": []string{"object", "null"}, "additionalProperties": secret("Value of the header"), "description": "Headers of each request, such as authorization."},
		"sample":  object{"type": []string{"number", "string"}, "exclusiveMinimum": 0, "maximum": 1, "default": 1, "description": "Share of the messages that are traced: 0.1 is every tenth. A message is traced whole or not at all."},
		"link": object{"type": "string", "pattern": `^https?://[\s\S]*\{trace_id\}[\s\S]*$`, "description": "Page of one trace; the console links to it.",
			"examples": []string{"https://jaeger.example.com/trace/{trace_id}"}},
	})

}
