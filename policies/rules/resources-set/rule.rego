package mcp.resources_set

import data.lib.mcp

violation contains mcp.says(detail) if {
	some container in mcp.containers
	some which in ["requests", "limits"]
	some resource in ["cpu", "memory"]
	mcp.field(container, ["resources", which, resource], null) == null
	detail := sprintf("container %s has no %s.%s", [container.name, which, resource])
}
