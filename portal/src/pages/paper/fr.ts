export const fr = {
  title: 'Déclaration d’un incident de sécurité informatique',
  intro: 'À remplir quand le réseau manque. Dictez-la ou remettez-la à votre ARS, ou appelez la permanence du CERT Santé, jour et nuit :',
  optional: 'Seules les lignes marquées * sont nécessaires. Laissez vide ce que vous ne savez pas encore. N’écrivez aucun nom de patient.',
  back: 'Retour au portail',
  howToPrint: 'Imprimez cette page avec Ctrl + P (⌘ + P sur Mac), ou gardez-la en PDF.',
  parts: [
    { title: '1. Votre structure', lines: ['Nom de la structure *', 'Ville et département *', 'FINESS (ou SIRET, ou RPPS)'] },
    { title: '2. Ce qui s’est passé', lines: ['Constaté le (date et heure) *', 'Commencé le, si vous le savez', 'Matériels et logiciels touchés', 'Prestataire ou éditeur concerné'], text: 'Qu’avez-vous constaté ? *' },
    { title: '3. Conséquences', lines: ['Pour les soins', 'Pour les patients', 'Pour les données', 'Nombre de personnes concernées, à peu près', 'D’autres structures peuvent être touchées ?'] },
    { title: '4. Ce que vous avez fait', lines: ['Mesures prises', 'Plainte déposée ? CNIL prévenue ?', 'Souhaitez-vous être accompagné ?'] },
    { title: '5. Vous joindre', lines: ['Nom et prénom *', 'Fonction (directeur, ou personne déléguée) *', 'Téléphone ou courriel *', 'Autre contact, si votre messagerie est peut-être compromise'] },
  ],
  received: 'Référence donnée au téléphone : ____________________   le ______________ à ________',
};
