package mcp.image_tag

import data.lib.mcp

violation contains mcp.says(detail) if {
	some one in mcp.images
	tag(one.image) == "latest"
	detail := sprintf("container %s has the tag latest in %s", [one.container, one.image])
}

violation contains mcp.says(detail) if {
	some one in mcp.images
	not contains(one.image, "@")
	tag(one.image) == ""
	detail := sprintf("container %s has neither tag nor digest in %s", [one.container, one.image])
}

# What follows the first colon after the last slash, before any digest; "" where there is none.
tag(image) := substring(last, colon + 1, -1) if {
	path := split(split(image, "@")[0], "/")
	last := path[count(path) - 1]
	colon := indexof(last, ":")
	colon >= 0
} else := ""
