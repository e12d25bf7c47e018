//! Who may log in on one machine, and how that is said to people.

use testkit::{Bilingual, Identity, TokenSpec};
use vocabulary::Region;

/// Everybody who may log in on one machine, in the order in which they are listed.
pub fn identities() -> Vec<Identity> {
    let mut identities = declarants();
    identities.extend(authorities());
    identities.extend(Region::ALL.iter().copied().map(regional_agent));
    identities.extend(operators());
    identities.extend(Region::ALL.iter().copied().map(integration));
    identities
}

fn declarants() -> Vec<Identity> {
    let group = || Bilingual::new("Structures de santé", "Health structures");
    vec![
        Identity {
            token: TokenSpec::of("director")
                .role("declarant")
                .structure("finess:340782085")
                .structure("finess:340780477"),
            group: group(),
            name: Bilingual::new(
                "Directrice du CHU de Montpellier",
                "Director of the university hospital of Montpellier",
            ),
            statement: Bilingual::new(
                "Je suis la directrice du CHU de Montpellier",
                "I am the director of the university hospital of Montpellier",
            ),
            rights: Bilingual::new(
                "Déclare les incidents de ses établissements, suit leurs dossiers et répond aux \
                 autorités.",
                "Declares the incidents of her hospitals, follows their cases and answers the \
                 authorities.",
            ),
        },
        Identity {
            token: TokenSpec::of("rssi")
                .role("declarant")
                .structure("finess:340782085"),
            group: group(),
            name: Bilingual::new(
                "RSSI du CHU de Montpellier",
                "Security officer of the university hospital of Montpellier",
            ),
            statement: Bilingual::new(
                "Je suis le responsable de la sécurité informatique (RSSI) du CHU de Montpellier",
                "I am the information security officer of the university hospital of Montpellier",
            ),
            rights: Bilingual::new(
                "Déclare par délégation de la directrice, garde ses brouillons et suit les dossiers \
                 de l'hôpital.",
                "Declares as the director's delegate, keeps his drafts and follows the cases of \
                 the hospital.",
            ),
        },
        Identity {
            token: TokenSpec::of("director-rouen")
                .role("declarant")
                .structure("finess:760000166"),
            group: group(),
            name: Bilingual::new(
                "Directeur de l'hôpital de Rouen",
                "Director of the hospital of Rouen",
            ),
            statement: Bilingual::new(
                "Je suis le directeur de l'hôpital de Rouen",
                "I am the director of the hospital of Rouen",
            ),
            rights: Bilingual::new(
                "Déclare les incidents de son établissement, suit leurs dossiers et répond aux \
                 autorités.",
                "Declares the incidents of his hospital, follows their cases and answers the \
                 authorities.",
            ),
        },
        Identity {
            token: TokenSpec::of("declarant").role("declarant"),
            group: group(),
            name: Bilingual::new(
                "Déclarant sans structure attribuée",
                "Declarant without a structure of its own",
            ),
            statement: Bilingual::new(
                "Je déclare sans qu'une structure me soit attribuée",
                "I declare, and no structure is assigned to me",
            ),
            rights: Bilingual::new(
                "Déclare pour toute structure ; ne voit que ce qu'il a déclaré lui-même.",
                "Declares for any structure; sees only what he declared himself.",
            ),
        },
    ]
}

fn authorities() -> Vec<Identity> {
    let group = || {
        Bilingual::new(
            "Cellule nationale et ministère",
            "National cell and ministry",
        )
    };
    let analyst = |subject, name, statement| Identity {
        token: TokenSpec::of(subject).role("analyst"),
        group: group(),
        name,
        statement,
        rights: Bilingual::new(
            "Voit tous les signalements, qualifie les dossiers, propose des mesures et clôt.",
            "Sees all reports, qualifies the cases, proposes measures and closes them.",
        ),
    };
    vec![
        analyst(
            "analyst",
            Bilingual::new(
                "Analyste de la cellule nationale",
                "Analyst of the national cell",
            ),
            Bilingual::new(
                "Je suis l'analyste de la cellule nationale (CERT Santé)",
                "I am the analyst of the national cell (CERT Santé)",
            ),
        ),
        analyst(
            "analyst-2",
            Bilingual::new(
                "Second analyste de la cellule nationale",
                "Second analyst of the national cell",
            ),
            Bilingual::new(
                "Je suis le second analyste de la cellule nationale (CERT Santé)",
                "I am the second analyst of the national cell (CERT Santé)",
            ),
        ),
        Identity {
            token: TokenSpec::of("fssi").role("security_officer"),
            group: group(),
            name: Bilingual::new("FSSI", "National security officer (FSSI)"),
            statement: Bilingual::new(
                "Je suis le fonctionnaire de sécurité des systèmes d'information (FSSI)",
                "I am the national information security officer (FSSI)",
            ),
            rights: Bilingual::new(
                "Voit tous les signalements, pilote les incidents majeurs et note ses décisions.",
                "Sees all reports, leads the major incidents and records his decisions.",
            ),
        },
        Identity {
            token: TokenSpec::of("dgs").role("health_authority"),
            group: group(),
            name: Bilingual::new("Permanence de la DGS (CORRUSS)", "DGS (CORRUSS) on duty"),
            statement: Bilingual::new(
                "Je suis de permanence à la direction générale de la santé (DGS, CORRUSS)",
                "I am on duty at the directorate general for health (DGS, CORRUSS)",
            ),
            rights: Bilingual::new(
                "Lit les dossiers qui touchent la prise en charge, sans les coordonnées des \
                 déclarants.",
                "Reads the cases that touch the care of patients, without the contacts of the \
                 declarants.",
            ),
        },
    ]
}

fn regional_agent(region: Region) -> Identity {
    let name = region.name();
    Identity {
        token: TokenSpec::of(format!("ars-{region}"))
            .role("regional_agent")
            .region(region.code()),
        group: Bilingual::new("Agences régionales de santé", "Regional health agencies"),
        name: Bilingual::new(
            format!("Agent de l'ARS {name}"),
            format!("Agent of the ARS {name}"),
        ),
        statement: Bilingual::new(
            format!("Je suis l'agent de l'ARS {name}"),
            format!("I am the agent of the ARS {name}"),
        ),
        rights: Bilingual::new(
            "Voit ce qui touche sa région, saisit pour qui ne peut déclarer et note l'offre de \
             soins.",
            "Sees what touches the region, enters reports for those who cannot declare and \
             records the supply of care.",
        ),
    }
}

fn operators() -> Vec<Identity> {
    let group = || Bilingual::new("Exploitation", "Operation");
    vec![
        Identity {
            token: TokenSpec::of("operator").role("operator"),
            group: group(),
            name: Bilingual::new("Exploitant", "Operator"),
            statement: Bilingual::new("Je suis l'exploitant de Vigie", "I am Vigie's operator"),
            rights: Bilingual::new(
                "Suit les remises et les consommateurs, tient le tableau d'astreinte ; ne voit \
                 aucun contenu.",
                "Sees to deliveries and consumers, keeps the rota; sees no contents.",
            ),
        },
        Identity {
            token: TokenSpec::of("importer").role("importer"),
            group: group(),
            name: Bilingual::new("Programme d'import", "Import program"),
            statement: Bilingual::new("Je suis le programme d'import", "I am the import program"),
            rights: Bilingual::new(
                "Charge l'annuaire et les déclarations du passé ; voit ce qu'il a envoyé.",
                "Loads the directory and the declarations of the past; sees what it sent.",
            ),
        },
        Identity {
            token: TokenSpec::of("prober").role("prober"),
            group: group(),
            name: Bilingual::new("Sonde", "Probe"),
            statement: Bilingual::new("Je suis la sonde", "I am the probe"),
            rights: Bilingual::new(
                "Envoie des signalements d'essai, qui ne sont ni comptés ni annoncés.",
                "Sends test reports, which are neither counted nor announced.",
            ),
        },
    ]
}

fn integration(region: Region) -> Identity {
    let name = region.name();
    Identity {
        token: TokenSpec::of(format!("integration-{region}"))
            .role("integration")
            .region(region.code()),
        group: Bilingual::new("Programmes abonnés", "Programs that subscribe"),
        name: Bilingual::new(
            format!("Programme abonné, {name}"),
            format!("Subscribed program, {name}"),
        ),
        statement: Bilingual::new(
            format!("Je suis un programme abonné aux notifications, {name}"),
            format!("I am a program that subscribes to notifications, {name}"),
        ),
        rights: Bilingual::new(
            "Reçoit les notifications de sa région.",
            "Receives the notifications of its region.",
        ),
    }
}
