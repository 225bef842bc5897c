package scaling

import "maps"

// TagsOfReader returns the tags of a new reader: those of the policy, and those of dbscaler, which take precedence.
func (p Policy) TagsOfReader(own map[string]string) map[string]string {
	tags := maps.Clone(p.ReaderTags)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.Copy(tags, own)
	return tags
}
