package mcp.no_secrets_in_env

import data.lib.mcp

# A ConfigMap counts as well, for pods take their environment from it. The value is never repeated.
violation contains mcp.says(text) if {
	mcp.reviewed.kind == "ConfigMap"
	some name, value in mcp.reviewed.data
	text := problem(name, value, "key")
}

violation contains mcp.says(sprintf("container %s: %s", [container.name, text])) if {
	some container in mcp.every_container
	some variable in container.env
	text := problem(variable.name, mcp.field(variable, ["value"], ""), "variable")
}

violation contains mcp.says(detail) if {
	some container in mcp.every_container
	some part in ["command", "args"]
	some text in container[part]
	looks_secret(text)
	detail := sprintf("container %s: the command line holds what looks like a credential", [container.name])
}

problem(name, value, what) := sprintf("%s %s holds what looks like a credential", [what, name]) if {
	looks_secret(value)
} else := sprintf("%s %s holds a secret in clear", [what, name]) if {
	value != ""
	not contains(value, "$(")
	names_secret(upper(name))
}

names_secret(name) if {
	matches(name, input.parameters.secret_names)
	not matches(name, input.parameters.not_secret_names)
}

looks_secret(value) if matches(value, input.parameters.secret_values)

matches(text, patterns) if {
	some pattern in patterns
	regex.match(pattern, text)
}
