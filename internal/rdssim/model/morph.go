package model

// SetVCPUs gives an instance so many vCPUs at once and without an interruption, which no RDS instance can: it stands for platforms that
// can. Its class and its memory stay as they are. The error is a *Fault.
func (w *World) SetVCPUs(region, id string, vcpus float64) error {
	s, err := w.findInstance(region, id)
	if err != nil {
		return err
	}
	if vcpus <= 0 {
		return invalidValue("An instance with %g vCPUs isn't valid.", vcpus)
	}
	s.vcpus = vcpus
	return nil
}
