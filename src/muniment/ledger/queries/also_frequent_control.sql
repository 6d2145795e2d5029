-- The same condition as also_control, for a control that many entries evidence: looking at each entry costs less than looking it up.
    AND %(control)s = ANY (e.controls)
