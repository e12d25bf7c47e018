/** A moment as it is typed: day, month, year, hour and minute, each a text of its own. */
export interface MomentParts {
  day: string;
  month: string;
  year: string;
  hour: string;
  minute: string;
}

export function partsOf(date: Date): MomentParts {
  return {
    day: String(date.getDate()),
    month: String(date.getMonth() + 1),
    year: String(date.getFullYear()),
    hour: String(date.getHours()),
    minute: String(date.getMinutes()).padStart(2, '0'),
  };
}

/** The moment that the parts say, in RFC 3339; what they say is no moment: as it was typed. */
export function momentOf(parts: MomentParts): string {
  const [day, month, year, hour, minute] = [parts.day, parts.month, parts.year, parts.hour, parts.minute || '0'].map(
    (part) => (/^\s*\d{1,4}\s*$/.test(part) ? Number(part) : Number.NaN),
  ) as [number, number, number, number, number];
  const date = new Date(year, month - 1, day, hour, minute);
  // The 31st of February is the 3rd of March to JavaScript, and a slip of the hand to people.
  const isMoment =
    year >= 1000 &&
    date.getFullYear() === year &&
    date.getMonth() === month - 1 &&
    date.getDate() === day &&
    date.getHours() === hour &&
    date.getMinutes() === minute;
  return isMoment ? date.toISOString() : Object.values(parts).join(' ').trim();
}
