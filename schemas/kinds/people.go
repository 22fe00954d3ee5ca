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
	})
}
