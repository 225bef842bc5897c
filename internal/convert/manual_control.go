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

// shapePattern is the form of a shape in an annotation: "2 x db.r6g.xlarge".
var shapePattern = regexp.MustCompile(`^([0-9]{1,2}) ?[x×] ?(db\.[a-z0-9.]+)$`)

// ParseShape parses a number and a class, such as "2 x db.r6g.xlarge" or 2xdb.r6g.xlarge.
func ParseShape(text string) (scaling.Shape, bool) {
	match := shapePattern.FindStringSubmatch(strings.TrimSpace(text))
	if match == nil {
		return scaling.Shape{}, false
	}
	count, err := strconv.Atoi(match[1])
	return scaling.Shape{InstanceClass: match[2], Count: count}, err == nil
}

// currentRequesters returns who requested the pause, the override and the approval, as far as they are set.
func currentRequesters(annotations map[string]string) (pause, override, approval *scaling.Requester) {
	if _, given := annotations[v1alpha1.AnnotationPausedUntil]; given {
		pause = Pause.Requester(annotations)
	}
	if _, given := annotations[v1alpha1.AnnotationOverrideUntil]; given {
		override = Override.Requester(annotations)
	}
	if _, given := annotations[v1alpha1.AnnotationApprove]; given {
		approval = Approval.Requester(annotations)
	}
	return pause, override, approval
}

// manualControl reads the annotations for manual control. InvalidReason lists every invalid annotation, because each of them counts
// as a pause.
func manualControl(annotations map[string]string) scaling.ManualControl {
	var control scaling.ManualControl
	var problems []string
	parseTime := func(name string) time.Time {
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
	control.PausedUntil = parseTime(v1alpha1.AnnotationPausedUntil)
	control.ApprovedHash = strings.TrimSpace(annotations[v1alpha1.AnnotationApprove])
	readers, hasReaders := annotations[v1alpha1.AnnotationOverrideReaders]
	writer, hasWriter := annotations[v1alpha1.AnnotationOverrideWriter]
	expiresAt := parseTime(v1alpha1.AnnotationOverrideUntil)
	if hasReaders || hasWriter {
		control.Override = &scaling.ManualOverride{ExpiresAt: expiresAt}
		if _, given := annotations[v1alpha1.AnnotationOverrideUntil]; !given {
			problems = append(problems, fmt.Sprintf("%s is missing: an override needs an end", v1alpha1.AnnotationOverrideUntil))
		}
	}
	if hasReaders {
		shape, valid := ParseShape(readers)
		if !valid {
			problems = append(problems, fmt.Sprintf("%s is %q, and should be a number and a class such as \"2 x db.r6g.xlarge\"",
				v1alpha1.AnnotationOverrideReaders, readers))
		} else {
			control.Override.Readers = &shape
		}
	}
	if hasWriter {
		class := strings.TrimSpace(writer)
		if !strings.HasPrefix(class, "db.") {
			problems = append(problems, fmt.Sprintf("%s is %q, and should be a class such as db.r6g.xlarge",
				v1alpha1.AnnotationOverrideWriter, writer))
		}
		control.Override.Writer = &scaling.Shape{InstanceClass: class, Count: 1}
	}
	control.PausedBy, control.OverriddenBy, control.ApprovedBy = currentRequesters(annotations)
	control.InvalidReason = strings.Join(problems, "; ")
	return control
}
