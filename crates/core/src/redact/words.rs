//! The words by which names are recognised, and those that are no names.
//!
//! Written for English and German letters, with the given names that are common where these are
//! written. A list like this is never complete: it is a cue, and other cues stand beside it.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Whether a form of address or a given name is a woman's or a man's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gender {
    /// A woman's.
    Female,
    /// A man's.
    Male,
}

type Words = LazyLock<HashSet<&'static str>>;

fn words(list: &'static str) -> HashSet<&'static str> {
    list.split_whitespace().collect()
}

static FEMALE: Words = LazyLock::new(|| {
    words(
        "Abigail Ada Adele Agnes Aisha Alexandra Alice Alina Amanda Amelia Amina Amy Ana Andrea
        Angela Anita Anja Ann Anna Anne Annette Annie Antonia Astrid Audrey Barbara Beate Beatrice
        Becky Berta Beth Bettina Betty Birgit Brenda Bridget Brigitte Camille Carla Carmen Carol
        Caroline Catherine Cathy Cecilia Chloe Christa Christiane Christina Christine Claire Clara
        Claudia Cora Cornelia Daisy Daniela Debbie Deborah Denise Diana Diane Dora Doris Dorothea Dorothy
        Edith Eileen Elaine Eleanor Elena Elfriede Elisa Elisabeth Elizabeth Elke Ella Ellen Elsa
        Emilia Emilie Emily Emma Erika Esther Eva Eve Evelyn Fatima Fiona Frances Franziska Frieda
        Friederike Gabriele Gabriella Gerda Gertrud Gisela Gudrun Gwen Gwendolyn Hanna Hannah
        Heather Hedwig Heidi Heike Helen Helena Helene Helga Henrietta Hildegard Ida Ilse Ines Inga
        Ingeborg Ingrid Irene Irina Iris Irma Isabel Isabella Jacqueline Jana Jane Janet Janice
        Jasmin Jennifer Jenny Jessica Joan Joanna Johanna Josephine Josie Judith Julia Juliane Julie
        Jutta Karen Karin Karla Karoline Katarina Kate Katharina Katherine Kathleen Kathryn Katie
        Katja Katrin Kelly Kerstin Kirsten Klara Kristina Lara Laura Layla Lea Lena Leonie Leticia
        Lieselotte Lina Linda Lisa Liz Lotte Louise Lucia Lucie Lucy Luisa Lydia Maeve Magdalena
        Maggie Maja Manuela Margaret Margarete Margarethe Maria Mariam Marianne Marie Marina Marion
        Marlene Marta Martha Martina Mary Mathilda Matilda Megan Melanie Melissa Mia Michelle Millie
        Miriam Molly Monika Nadia Nadine Nadja Nancy Naomi Natalie Nicole Nina Nora Olga Olivia
        Pamela Patricia Paula Peggy Penelope Petra Pia Polly Priya Rachel Rebecca Regina Renate Rita
        Roberta Rosa Rosemary Ruth Sabine Sabrina Sally Samantha Sandra Sara Sarah Sheila Silke
        Silvia Simone Sinead Sofia Sonja Sophia Sophie Stefanie Stella Stephanie Susan Susanna
        Susanne Susie Svenja Sylvia Tamara Tanja Teresa Theresa Therese Tina Tracy Ulrike Ursula Ute
        Valentina Valerie Vanessa Vera Veronica Veronika Viktoria Waltraud Wendy Yasmin Yvonne Zoe",
    )
});

static MALE: Words = LazyLock::new(|| {
    words(
        "Aaron Adam Adrian Ahmed Alan Albert Alexander Alfred Ali Amir Andreas Andrew Anthony Anton
        Antonio Archie Arnold Arthur Axel Barry Ben Benedict Benjamin Bernard Bernd Bernhard Bert
        Björn Bobby Boris Brian Bruno Carl Carlos Charles Charlie Christian Christoph Christopher
        Clemens Clive Colin Connor Craig Damian Dan Daniel Danny Dave David Declan Dennis Derek
        Detlef Diego Dieter Dietrich Dirk Dominik Donald Douglas Eberhard Eduard Edward Edwin Egon
        Emil Emmanuel Eric Erich Erik Ernst Erwin Eugen Eugene Fabian Felix Ferdinand Florian
        Francis Francisco Franz Fred Freddie Frederick Friedrich Fritz Gareth Gary Geoffrey Georg
        George Gerald Gerd Gerhard Giovanni Gordon Graham Greg Gregor Gregory Guido Gustav Günter
        Günther Hamish Hans Harald Harold Harry Hartmut Hassan Heinrich Heinz Helmut Hendrik Henrik
        Henry Herbert Hermann Horst Howard Hubert Hugh Hugo Ian Ibrahim Igor Ingo Isaac Ivan Jacob
        Jakob James Jason Javier Jeff Jeffrey Jens Jeremy Jerry Joachim Jochen Joe Joel Johann
        Johannes John Jonas Jonathan Jorge Jose Josef Joseph Joshua José Juan Julian Julius Jürgen
        Kai Karl Karsten Keith Kenneth Kevin Klaus Klemens Konrad Konstantin Kurt Larry Lars
        Lawrence Leo Leon Leonard Leonhard Leopold Lewis Liam Linus Lorenz Lothar Louis Luca Lucas
        Luis Lukas Lutz Magnus Malcolm Manfred Manuel Marcel Marco Marcus Mario Marius Markus Martin
        Mathias Matt Matteo Matthew Matthias Maurice Maximilian Michael Miguel Mohamed Mohammed
        Moritz Nathan Neil Nicholas Nico Niklas Nikolaus Noah Norbert Norman Oliver Omar Oscar Oskar
        Otto Pablo Patrick Paul Pedro Pete Peter Philip Philipp Pierre Rafael Rainer Ralf Ralph
        Raymond Reinhard Reinhold Richard Robert Roland Rolf Roman Ronald Rory Rudolf Rupert Russell
        Samuel Sean Sebastian Siegfried Simon Stan Stanley Stefan Stephan Stephen Steve Steven
        Stuart Sven Tariq Terence Theo Theodor Theodore Thilo Thomas Thorsten Tim Timothy Tobias Tom
        Tomas Tommy Torsten Trevor Udo Ulf Ulrich Uwe Valentin Victor Viktor Vincent Volker Waldemar
        Walter Werner Wilfried Wilhelm William Winfried Wolfgang Wolfram Xaver Yusuf Zachary",
    )
});

/// Names of women and of men.
static EITHER: Words = LazyLock::new(|| {
    words("Alex Andy Ashley Chris Jamie Jesse Kim Kit Leslie Lee Robin Sam Sascha Terry Toni")
});

/// Given names that are everyday words, months or places, too: alone they are no name.
static EVERYDAY: Words = LazyLock::new(|| {
    words(
        "April Art August Austin Autumn Bill Bob Charlotte Chase Chelsea Dean Dick Drew Faith
        Florence Frank Gene Georgia Grace Grant Guy Hazel Hope Ivy Jack Jan Jean Jim Jordan Joy June
        Ken Lily Mark Max May Mike Nick Olive Pat Ray Rich Rob Rose Ruby Scott Sue Summer Sydney Ted
        Tony Victoria Violet Virginia Will",
    )
});

/// Capitalised words that are no part of a name.
static NO_NAME: Words = LazyLock::new(|| {
    words(
        "A Aber About Abs Abteilung According Account Act Addendum Address After Agent Agreement All
        Alle Als Also Although Am Amendment An And Anlage Annex Any Apartment Appendix April Are
        Article As At Attachment Auch Auf August Aus Avenue Bank Based Because Before Bei Beide
        Beklagte Beklagter Best Betreff Bis Bitte Board Both Building Business But Buyer By Can Case
        Certificate Chapter City Clause Client Clinic Closing Colleague Colleagues Committee Company
        Confidential Contract Contractor Copy Council Court Customer Customers Da Damit Dann Das
        Dass Date Dated Days Dear December Dem Den Deposit Der Des Dezember Did Die Dienstag Dies
        Diese Dieser Director Do Doch Doctor Donnerstag Dr Durch During Each East Effective Ein Eine
        Einem Einen Einer Either Email Employee Employer Enclosure England Er Es Every Exhibit
        Faithfully Fall Falls Fax Februar February Fee Fees Figure First Following For Frau Freitag
        Freundliche Freundlichen Friday Friend Friends From Further Für Geehrte Geehrter Gegen
        Gesellschaft Given Gruß Grüße Grüßen Haben Hat He Her Here Herr Herrn Herzliche Herzlichen
        Hier His Hochachtungsvoll Hospital How However I Ich If Ihnen Ihr Ihre Ihrem Ihren Ihrer Im
        In Information Insurance Interest Invoice Ist It Item Its Januar January Judge Juli July
        June Juni Kann Kind Kläger Klägerin Kunde Kundin Landlord Last Later Law Laws Lease Lender
        Lessee Lessor Letter Licensee Licensor Liebe Lieber Limited Madam Mai Manager March May
        Meeting Miete Mieter Mieterin Mietvertrag Minutes Miss Mit Mittwoch Mobile Monday Montag
        Most Mr Mrs Ms My März Nach Name Nein Neither New Nicht No Noch North Not Note Notice
        November Now Number Nun Nur Ob October Oder Of Ohne Oktober On Once One Only Or Organisation
        Our Owner Page Paragraph Part Parties Party Patient Patientin Payment Period Person Phone
        Plaintiff Please Policy Premises President Price Product Products Prof Property Purchaser
        Question Rate Re Ref Reference Regarding Regards Rent Report Respondent Rights Road Samstag
        Saturday Schedule Second Secretary Section Sehr Seit Seite Seller September Services She
        Should Sie Signature Signed Since Sincerely Sind Sir Sirs So Software Sollte Some Sonntag
        South State Station Street Studies Subject Such Summary Sunday Supplier Table Tag Team Tel
        Telefon Telephone Tenant Term Than Thank Thanks That The Their Then There These They Third
        This Those Though Thursday Thus To Today Together Treatment Truly Tuesday Um Und Under
        Unless Uns Unser Unsere Unter Until Upon Value Vermieter Vermieterin Vertrag Very Vom Von
        Vor War Warm Was We Wednesday Wegen Wenn Wer Were West What When Where Whereas Which While
        Who Why Wie Will Wir Wird With Witness Wo Would Yes You Your Yours Zu Zum Zur Zwischen Über",
    )
});

/// Words after which a capitalised word names one of the family.
static FAMILY: Words = LazyLock::new(|| {
    words("son daughter wife husband mother father brother sister partner friend neighbour")
});

/// Titles that stand between a form of address and a name.
static TITLES: Words = LazyLock::new(|| {
    words("Dr Prof Professor med jur phil rer nat Dipl Ing QC KC Justice Lady Lord Sir Dame Judge")
});

/// Words inside a surname that are written small.
static PARTICLES: Words = LazyLock::new(|| {
    words("van von der den de la le du di da del della dos bin ibn al el ter ten zu zum zur St")
});

/// Roles that are followed by a colon and a name.
static ROLES: Words = LazyLock::new(|| {
    words(
        "an ansprechpartner ansprechpartnerin applicant arzt attendees author beklagte beklagter
        borrower buyer carer cc claimant client consultant contact customer defendant employee
        employer father from gp guarantor guardian hausarzt hausärztin husband insured kläger
        klägerin kunde kundin landlord lender lessee lessor mieter mieterin mother nachname name
        nurse patient patientin physician plaintiff seller signed surgeon surveyor tenant to
        vermieter vermieterin versicherte versicherter von vorname wife witness zeuge zeugin ärztin",
    )
});

/// Whether a word is a given name; with its gender where that is known.
pub(super) fn given_name(word: &str) -> Option<Option<Gender>> {
    // Anna-Lena, Hans-Peter: by the first half.
    let first = word.split('-').next().unwrap_or(word);
    if FEMALE.contains(first) {
        Some(Some(Gender::Female))
    } else if MALE.contains(first) {
        Some(Some(Gender::Male))
    } else if EITHER.contains(first) || EVERYDAY.contains(first) {
        Some(None)
    } else {
        None
    }
}

/// Whether a given name is an everyday word, too.
pub(super) fn is_everyday(word: &str) -> bool {
    EVERYDAY.contains(word)
}

/// Whether a capitalised word is no part of a name.
pub(super) fn is_no_name(word: &str) -> bool {
    NO_NAME.contains(word)
}

/// Whether a word is a title that stands before a name.
pub(super) fn is_title(word: &str) -> bool {
    TITLES.contains(word)
}

/// Whether a small word may stand inside a surname.
pub(super) fn is_particle(word: &str) -> bool {
    PARTICLES.contains(word)
}

/// Whether a name may follow, as in "her son Declan".
pub(super) fn is_family(word: &str) -> bool {
    FAMILY.contains(word)
}

/// Whether a word, written before a colon, says whose name follows.
pub(super) fn is_role(word: &str) -> bool {
    ROLES.contains(word.to_lowercase().as_str())
}

/// A form of address: its gender, and whether it is German.
pub(super) fn honorific(word: &str) -> Option<(Option<Gender>, bool)> {
    Some(match word {
        "Mr" | "Mister" | "Sir" => (Some(Gender::Male), false),
        "Mrs" | "Ms" | "Miss" | "Lady" | "Dame" => (Some(Gender::Female), false),
        "Mx" | "Dr" | "Prof" | "Professor" | "Rev" | "Judge" | "Justice" | "Lord" => (None, false),
        "Monsieur" | "Señor" | "Signor" => (Some(Gender::Male), false),
        "Madame" | "Mme" | "Mlle" | "Señora" | "Signora" => (Some(Gender::Female), false),
        "Nurse" | "Doctor" | "Inspector" | "Captain" | "Sergeant" | "Sgt" | "Capt" | "PC"
        | "DC" => (None, false),
        "Herr" | "Herrn" | "Hr" => (Some(Gender::Male), true),
        "Frau" | "Fräulein" => (Some(Gender::Female), true),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_given_name_is_in_two_lists_nor_a_word_that_ends_names() {
        for name in FEMALE.iter().chain(MALE.iter()) {
            assert!(!EITHER.contains(name) && !EVERYDAY.contains(name), "{name}");
            assert!(!NO_NAME.contains(name), "{name}");
        }
        assert!(FEMALE.is_disjoint(&MALE));
    }

    #[test]
    fn double_names_go_by_their_first_half() {
        assert_eq!(given_name("Anna-Lena"), Some(Some(Gender::Female)));
        assert_eq!(given_name("Table"), None);
    }
}
