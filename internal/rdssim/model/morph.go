package model

// Morph gives an instance another class at once and without an interruption, which no RDS instance can: it stands for platforms
// that can. The error is a *Fault.
func (w *World) Morph(region, id, class string) error {
	s, err := w.member(region, id)
	if err != nil {
		return err
	}
	if err := w.orders(s.Region, s.Engine, s.EngineVersion, class); err != nil {
		return err
	}
	s.Class = class
	s.resize()
	return nil
}
