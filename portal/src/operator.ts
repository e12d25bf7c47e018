/** What whoever operates the portal says of itself. */
export const operator = {
  /** The duty line of the national cell, day and night. */
  phone: { shown: '09 72 43 91 25', link: 'tel:+33972439125' },
  cell: 'CERT Santé',
};
