package kinds

// orOff is a value, or `off`.
func orOff(o object) object {
	text := o["description"]
	delete(o, "description")
	return object{"description": text, "anyOf": []object{{"enum": []string{"off"}}, o}}
}

// receiverOf says what receivers of some kinds need, and which keys they do not have.
func receiverOf(names, required []string, without ...string) object {
	properties := object{"kind": object{"enum": names}}
	for _, key := range without {
		properties[key] = object{"not": object{}}
	}
	return object{"properties": properties, "required": required}
}

// alarms is the schema of `alarms` of hub.yaml.
func alarms() object {
	percent := func(text string, fallback int) object {
		return object{"type": []string{"integer", "string"}, "minimum": 1, "maximum": 100, "pattern": `^[+]?0*([1-9][0-9]?|100)%?$`, "default": fallback, "description": text}
	}
	onOff := func(text string) object {
		return object{"enum": []string{"on", "off"}, "default": "on", "description": text}
	}
	rules := keys("When something is wrong; what is not given has a sensible default, `off` turns a rule off.", nil, object{
		"oldest":  orOff(spanOf("A message has waited for this long.", "30m")),
		"backlog": orOff(count("So many messages wait for one connection.", 10_000)),
		"failures": keys("Messages fail: `least` more than before and `percent` of all that ended, or `most` more, within `within`.", nil, object{
			"least":   orOff(count("Fewer are everyday noise; off: failures raise nothing.", 10)),
			"percent": percent("Share of all that ended.", 5),
			"most":    orOff(count("So many are too many at any share.", 500)),
			"within":  spanOf("The span that is looked at, 6h at most.", "15m"),
		}),
		"silence": onOff("A source is silent for longer than was usual at this hour of the last days."),
		"jobs":    onOff("A job did not run, or failed three times in a row."),
		"quota":   orOff(percent("Share of an allowance of an hour or longer that is used.", 90)),
		"token":   orOff(spanOf("How long before a credential ends.", "72h")),
		"disk":    orOff(object{"type": []string{"string", "integer"}, "pattern": size, "minimum": 0, "default": "2GiB", "description": "Less is free where the store is."}),
		"gate":    orOff(spanOf("A connection takes nothing for this long.", "15s")),
		"pause":   orOff(spanOf("A person's pause lasts for this long.", "24h")),
	})
	receiver := keys("Who is told.", []string{"receiver", "kind"}, object{
		"receiver": words("Its name, unique."),
		"kind":     object{"enum": []string{"webhook", "mail", "wecom", "dingtalk", "feishu"}, "description": "What it is."},
		"url":      object{"type": "string", "pattern": orReference(`https?://[^/].*`), "description": "Address of the webhook or robot; a robot's carries its key: ${env:NAME} or ${file:PATH}."},
		"secret":   secret("whsec_... of a webhook, or what a DingTalk or Feishu robot signs with"),
		"server":   object{"type": "string", "pattern": address, "description": "Mail server: HOST:PORT.", "examples": []string{"smtp.example.com:587"}},
		"security": object{"enum": []string{"starttls", "tls"}, "description": "starttls, or tls from the first byte (port 465)."},
		"user":     words("Whom to sign in as at the mail server."),
		"password": secret("Password at the mail server"),
		"from":     words("Sender's address."),
		"to":       list("Recipients' addresses.", words("An e-mail address.")),
	})
	receiver["dependencies"] = object{"user": []string{"password"}, "password": []string{"user"}}
	receiver["oneOf"] = []object{
		receiverOf([]string{"webhook", "dingtalk", "feishu"}, []string{"url"}, "server", "security", "user", "password", "from", "to"),
		receiverOf([]string{"wecom"}, []string{"url"}, "secret", "server", "security", "user", "password", "from", "to"),
		receiverOf([]string{"mail"}, []string{"server", "from", "to"}, "url", "secret"),
	}
	return keys("What is watched and who is told.", nil, object{
		"language":   object{"enum": []string{"en", "zh"}, "default": "en", "description": "Language of messages."},
		"public_url": object{"type": "string", "pattern": `^https?://[^/?#]+[^?#]*$`, "description": "Where people reach the hub; messages link to it.", "examples": []string{"https://hub.example.com"}},
		"remind":     orOff(spanOf("How often what stays open is told again.", "4h")),
		"rules":      rules,
		"receivers":  list("Who is told.", receiver),
	})
}
