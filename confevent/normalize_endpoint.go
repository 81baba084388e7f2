package confevent

import "slices"

func normalizeEndpoints(list []Endpoint, full bool) []Endpoint {
	var out []Endpoint
	for _, e := range list {
		if full {
			if e.State == Deleted {
				continue
			}
			e.State = Full
		}
		e = e.normalize()
		if e.Entity == "" || slices.ContainsFunc(out, func(o Endpoint) bool { return o.Entity == e.Entity }) {
			continue
		}
		out = append(out, e)
	}

	return out
}

func (e Endpoint) normalize() Endpoint {
	e.Entity = safeText(e.Entity)
	e.State = safeState(e.State)
	if e.State == Deleted {
		return Endpoint{Entity: e.Entity, State: Deleted}
	}
	e.DisplayText = safeText(e.DisplayText)
	e.Referred = e.Referred.normalize()
	e.Status = safeEnum(e.Status, statusNames)
	e.JoiningMethod = safeEnum(e.JoiningMethod, joiningNames)
	e.JoiningInfo = e.JoiningInfo.normalize()
	e.DisconnectionMethod = safeEnum(e.DisconnectionMethod, disconnectionNames)
	e.DisconnectionInfo = e.DisconnectionInfo.normalize()
	e.Media = normalizeMedia(e.Media)
	if e.CallInfo != nil {
		e.CallInfo = &CallInfo{
			DisplayText: safeText(e.CallInfo.DisplayText),
			CallID:      safeText(e.CallInfo.CallID),
			FromTag:     safeText(e.CallInfo.FromTag),
			ToTag:       safeText(e.CallInfo.ToTag),
		}
	}

	return e
}

func normalizeMedia(list []Media) []Media {
	var out []Media
	for _, m := range list {
		m.ID = safeText(m.ID)
		if m.ID == "" || slices.ContainsFunc(out, func(o Media) bool { return o.ID == m.ID }) {
			continue
		}
		m.DisplayText = safeText(m.DisplayText)
		m.Type = safeText(m.Type)
		m.Label = safeText(m.Label)
		m.SrcID = safeText(m.SrcID)
		m.Status = safeEnum(m.Status, mediaNames)
		out = append(out, m)
	}

	return out
}

func (x *Execution) normalize() *Execution {
	if x == nil {
		return nil
	}

	return &Execution{When: safeWhen(x.When), Reason: safeText(x.Reason), By: safeURI(x.By)}
}

func safeState(s State) State { return safeEnum(s, stateNames) }

// safeEnum makes a value that the schema does not have absent.
func safeEnum[E ~uint8](e E, table []string) E {
	if int(e) >= len(table) {
		return 0
	}

	return e
}
