package mcp.no_host_path

import data.lib.mcp

violation contains mcp.says(sprintf("volume %s is a hostPath", [volume.name])) if {
	some volume in mcp.pod.volumes
	mcp.field(volume, ["hostPath"], null) != null
}

violation contains mcp.says(sprintf("container %s has a hostPort", [container.name])) if {
	some container in mcp.every_container
	some port in container.ports
	mcp.field(port, ["hostPort"], 0) != 0
}
