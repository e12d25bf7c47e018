import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type Form,
  FormConditionKind,
  FormFieldSchema,
  FormFieldType,
  FormSchema,
} from '../../generated/vigie/intake/v1/form_service_pb';

type Field = MessageInitShape<typeof FormFieldSchema>;
const line = (path: string, more: object = {}): Field => ({ path, label: path, type: FormFieldType.LINE, maxLength: 20, ...more });
const given = (path: string) => ({ paths: [path], kind: FormConditionKind.GIVEN });

/** A small form with one field of each kind that the portal treats in its own way. */
export function formForTests(): Form {
  return create(FormSchema, {
    sections: [
      {
        name: 'structure',
        fields: [
          line('structure.finess', { type: FormFieldType.IDENTIFIER, maxLength: 9 }),
          line('structure.described.name'),
          line('structure.described.department', {
            shownIf: [given('structure.described.name')],
            requiredIf: [given('structure.described.name'), { paths: ['national'], kind: FormConditionKind.NONE_OF, values: ['true'] }],
          }),
          line('national', { type: FormFieldType.BOOLEAN }),
        ],
        groups: [{ paths: ['structure.finess', 'structure.described.name'], exclusive: true, violationPath: 'structure' }],
      },
      { name: 'alternate_contact', optional: true, fields: [line('alternate_contact.family_name', { required: true })] },
      {
        name: 'incident',
        fields: [
          line('found_at', { type: FormFieldType.MOMENT, required: true }),
          line('started_at', { type: FormFieldType.MOMENT, notAfter: 'found_at' }),
          line('description', { type: FormFieldType.TEXT, required: true, maxLength: 10 }),
          line('vendor', { required: true }),
        ],
      },
      {
        name: 'impacts',
        fields: [
          line('impacts.data', { type: FormFieldType.CHOICE, multiple: true }),
          line('impacts.persons_affected', { type: FormFieldType.COUNT }),
          line('impacts.reach', { type: FormFieldType.CHOICE }),
        ],
      },
    ],
  });
}
