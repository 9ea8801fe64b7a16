package mcp.restricted_pods

import data.lib.mcp

violation contains mcp.says(sprintf("the pod has %s", [name])) if {
	some name in ["hostNetwork", "hostPID", "hostIPC"]
	mcp.pod[name] == true
}

violation contains mcp.says("the pod has runAsUser 0") if mcp.pod.securityContext.runAsUser == 0

violation contains mcp.says(sprintf("container %s %s", [container.name, problem])) if {
	some container in mcp.every_container
	some problem in problems(container)
}

problems(container) := {problem |
	own := mcp.field(container, ["securityContext"], {})
	shared := mcp.field(mcp.pod, ["securityContext"], {})
	some problem in union({lacks(own, shared), has(own)})
}

lacks(own, shared) := {problem |
	some problem, fulfilled in {
		"lacks runAsNonRoot: true": inherited(own, shared, ["runAsNonRoot"]) == true,
		"lacks allowPrivilegeEscalation: false": mcp.field(own, ["allowPrivilegeEscalation"], true) == false,
		"lacks readOnlyRootFilesystem: true": mcp.field(own, ["readOnlyRootFilesystem"], false) == true,
		"does not drop ALL capabilities": "ALL" in mcp.field(own, ["capabilities", "drop"], []),
		"lacks the seccomp profile RuntimeDefault": confined(inherited(own, shared, ["seccompProfile", "type"])),
	}
	fulfilled == false
}

has(own) := {problem |
	some problem, present in {
		"has runAsUser 0": mcp.field(own, ["runAsUser"], 1) == 0,
		"is privileged": mcp.field(own, ["privileged"], false) == true,
		"has a procMount that is not Default": mcp.field(own, ["procMount"], "Default") != "Default",
	}
	present == true
} | {problem |
	some added in mcp.field(own, ["capabilities", "add"], [])
	added != "NET_BIND_SERVICE"
	problem := sprintf("adds the capability %s", [added])
}

# A container's own value stands before its pod's.
inherited(own, shared, path) := mcp.field(own, path, mcp.field(shared, path, null))

confined(profile) := profile in ["RuntimeDefault", "Localhost"]
