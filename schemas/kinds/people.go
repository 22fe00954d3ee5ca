package kinds

// people is the schema of `people` of hub.yaml.
func people() object {
	return keys("How sign-ins are kept.", nil, object{
		"trusted_proxies": list("Proxies in front of the hub, addresses or networks, whose X-Forwarded-For and X-Forwarded-Proto are believed.",
			object{"type": "string", "minLength": 1, "examples": []string{"127.0.0.1", "10.0.0.0/24"}}),
		"session": keys("When a session ends.", nil, object{
			"idle": spanOf("It was unused for so long.", "2h"),
			"life": spanOf("It began so long ago.", "12h"),
		}),
		"url":  object{"type": "string", "pattern": safeURL, "description": "Where people's browsers reach the hub; people.oidc needs it.", "examples": []string{"https://hub.example.com"}},
		"oidc": oidc(),
	})
}

// safeURL is an address of TLS, or of this machine.
const safeURL = `^(https://[^/?#@]+|http://(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?)(/[^?#]*)?$`

// oidc is the schema of `people.oidc` of hub.yaml.
func oidc() object {
	role := func(text string, more ...string) object {
		return object{"enum": append([]string{"viewer", "support", "ops", "integrator", "admin"}, more...), "description": text}
	}
	roles := keys("Which roles the provider's claims give, at every sign-in anew. Who has none is refused.", nil, object{
		"claim":   object{"type": "string", "minLength": 1, "description": "The claim whose values are mapped; dots lead into objects.", "examples": []string{"groups", "realm_access.roles"}},
		"map":     object{"type": []string{"object", "null"}, "additionalProperties": role("A role."), "description": "Value of the claim -> role; somebody may have several."},
		"default": role("The role of whoever has no value that is mapped.", "none"),
	})
	roles["dependencies"] = object{"claim": []string{"map"}, "map": []string{"claim"}}
	roles["anyOf"] = []object{{"required": []string{"claim", "map"}}, {"required": []string{"default"}}}
	return keys("Sign-in through an OpenID provider, beside name and password.", []string{"issuer", "client_id", "client_secret", "roles"}, object{
		"issuer":        object{"type": "string", "pattern": safeURL, "description": "The provider's address, letter by letter as it calls itself.", "examples": []string{"https://login.example.com/realms/brand"}},
		"client_id":     object{"type": "string", "minLength": 1, "description": "The hub's name at the provider."},
		"client_secret": secret("The hub's password at the provider"),
		"scopes":        object{"type": "array", "minItems": 1, "items": object{"type": "string", "pattern": `^[^\s"\\]+$`}, "contains": object{"const": "openid"}, "default": []string{"openid", "profile", "email"}, "description": "What the provider is asked for; many give groups under a scope of their own."},
		"name":          words("The provider's name on the button; its host unless given."),
		"label": keys("The button's whole text, instead of `Sign in with NAME`.", nil, object{
			"en": words("In English."), "zh": words("In Chinese."),
		}),
		"domains": list("Only people whose verified e-mail address is of one of these are let in.", object{"type": "string", "pattern": `^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z0-9-]*[A-Za-z0-9]$`, "examples": []string{"example.com"}}),
		"roles":   roles,
	})
}
