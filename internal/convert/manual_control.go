package convert

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// shapePattern is how an annotation writes a shape: "2 x db.r6g.xlarge".
var shapePattern = regexp.MustCompile(`^([0-9]{1,2}) ?[x×] ?(db\.[a-z0-9.]+)$`)

// manualControl reads what a person asked for by annotation. Everything that is wrong is listed, since it counts as a pause.
func manualControl(annotations map[string]string) scaling.ManualControl {
	var w scaling.ManualControl
	var problems []string
	moment := func(name string) time.Time {
		text, given := annotations[name]
		if !given {
			return time.Time{}
		}
		at, err := time.Parse(time.RFC3339, strings.TrimSpace(text))
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s is %q, and should be a time such as 2026-02-05T12:00:00Z", name, text))
		}
		return at
	}
	w.PausedUntil = moment(v1alpha1.AnnotationPausedUntil)
	w.ApprovedHash = strings.TrimSpace(annotations[v1alpha1.AnnotationApprove])
	readers, hasReaders := annotations[v1alpha1.AnnotationOverrideReaders]
	writer, hasWriter := annotations[v1alpha1.AnnotationOverrideWriter]
	until := moment(v1alpha1.AnnotationOverrideUntil)
	if hasReaders || hasWriter {
		w.Override = &scaling.ManualOverride{ExpiresAt: until}
		if _, given := annotations[v1alpha1.AnnotationOverrideUntil]; !given {
			problems = append(problems, fmt.Sprintf("%s is missing: an override needs an end", v1alpha1.AnnotationOverrideUntil))
		}
	}
	if hasReaders {
		match := shapePattern.FindStringSubmatch(strings.TrimSpace(readers))
		if match == nil {
			problems = append(problems, fmt.Sprintf("%s is %q, and should be a number and a class such as \"2 x db.r6g.xlarge\"",
				v1alpha1.AnnotationOverrideReaders, readers))
		} else {
			count, err := strconv.Atoi(match[1])
			if err != nil { // two digits always are a number
				problems = append(problems, err.Error())
			}
			w.Override.Readers = &scaling.Shape{InstanceClass: match[2], Count: count}
		}
	}
	if hasWriter {
		class := strings.TrimSpace(writer)
		if !strings.HasPrefix(class, "db.") {
			problems = append(problems, fmt.Sprintf("%s is %q, and should be a class such as db.r6g.xlarge",
				v1alpha1.AnnotationOverrideWriter, writer))
		}
		w.Override.Writer = &scaling.Shape{InstanceClass: class, Count: 1}
	}
	w.InvalidReason = strings.Join(problems, "; ")
	return w
}
