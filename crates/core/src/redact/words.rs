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
        "Abigail Ada Adele Annie Becky Betty Bridget Cathy Daisy Debbie Emilie Frances Gwen Gwendolyn Jenny Josie Kate Katie Kelly Liz Lucie Maggie Millie Molly Nancy Peggy Penelope Polly Sally Sheila Sinead Susie Tracy Agnes Aisha Alexandra Alice Alina Amanda Amelia Amina Amy Ana Andrea
        Angela Anita Anja Ann Anna Anne Annette Antonia Astrid Audrey Barbara Beate Beatrice Berta
        Beth Bettina Birgit Brenda Brigitte Camille Carla Carmen Carol Caroline Catherine Cecilia
        Charlotte Chloe Christa Christiane Christina Christine Claire Clara Claudia Cora Cornelia
        Daniela Deborah Diana Diane Dora Doris Dorothea Dorothy Edith Eileen Elaine Eleanor Elena
        Elfriede Elisa Elisabeth Elizabeth Elke Ella Ellen Elsa Emilia Emily Emma Erika Esther Eva
        Eve Evelyn Fatima Fiona Florence Franziska Frieda Friederike Gabriele Gabriella Gerda
        Gertrud Gisela Gudrun Hannah Hanna Heather Hedwig Heidi Heike Helen Helena Helene Helga
        Henrietta Hildegard Ida Ilse Ines Inga Ingeborg Ingrid Irene Irina Iris Irma Isabel
        Isabella Jacqueline Jana Jane Janet Janice Jasmin Jean Jennifer Jessica Joan Joanna Johanna
        Josephine Judith Julia Julie Juliane Jutta Karen Karin Karla Karoline Katarina Katharina
        Katherine Kathleen Kathryn Katja Katrin Kerstin Kirsten Klara Kristina Lara Laura Layla
        Lea Lena Leonie Leticia Lieselotte Lina Linda Lisa Lotte Louise Lucia Lucy Luisa Lydia
        Maeve Magdalena Maja Manuela Margaret Margarete Margarethe Maria Mariam Marianne Marie
        Marina Marion Marlene Marta Martha Martina Mary Mathilda Matilda Megan Melanie Melissa Mia
        Michelle Miriam Monika Nadia Nadine Nadja Naomi Natalie Nicole Nina Nora Olga Olivia
        Pamela Patricia Paula Petra Pia Priya Rachel Rebecca Regina Renate Rita Roberta Rosa
        Rosemary Ruth Sabine Sabrina Samantha Sandra Sara Sarah Silke Silvia Simone Sofia Sonja
        Sophia Sophie Stefanie Stella Stephanie Susan Susanna Susanne Svenja Sylvia Tamara Tanja
        Teresa Theresa Therese Tina Ulrike Ursula Ute Valentina Valerie Vanessa Vera Veronica
        Veronika Victoria Viktoria Virginia Waltraud Wendy Yasmin Yvonne Zoe",
    )
});

static MALE: Words = LazyLock::new(|| {
    words(
        "Aaron Adam Archie Ben Bert Bobby Charlie Connor Craig Damian Dan Danny Dave Declan Freddie Greg Jeff Jerry Larry Matt Pete Stan Steve Tommy Adrian Ahmed Alan Albert Alexander Alfred Ali Amir Andreas Andrew Anthony Anton
        Antonio Arnold Arthur Axel Barry Benedict Benjamin Bernard Bernd Bernhard Björn Boris Brian
        Bruno Carl Carlos Charles Christian Christoph Christopher Clemens Clive Colin Daniel David
        Dennis Derek Detlef Diego Dieter Dietrich Dirk Dominik Donald Douglas Eberhard Eduard
        Edward Edwin Egon Emil Emmanuel Eric Erich Erik Ernst Erwin Eugen Eugene Fabian Felix
        Ferdinand Florian Francis Francisco Franz Fred Frederick Friedrich Fritz Gareth Gary Geoffrey
        Georg George Gerald Gerhard Gerd Giovanni Gordon Graham Gregor Gregory Guido Günter Günther
        Gustav Hamish Hans Harald Harold Harry Hassan Hartmut Heinrich Heinz Helmut Hendrik Henrik
        Henry Herbert Hermann Horst Howard Hubert Hugh Hugo Ian Ibrahim Igor Ingo Isaac Ivan Jacob
        Jakob James Jan Jason Javier Jeffrey Jens Jeremy Joachim Jochen Joe Joel Johann Johannes
        John Jonas Jonathan Jorge Josef Joseph Joshua Jose José Juan Julian Jürgen Julius Kai Karl
        Karsten Keith Kenneth Kevin Klaus Klemens Konrad Konstantin Kurt Lars Lawrence Leo Leon
        Leonard Leonhard Leopold Lewis Liam Linus Lorenz Lothar Louis Luca Lucas Luis Lukas Lutz
        Magnus Malcolm Manfred Manuel Marcel Marco Marcus Mario Markus Marius Martin Mathias Matteo
        Matthew Matthias Max Maximilian Maurice Michael Miguel Mohamed Mohammed Moritz Nathan Neil
        Nicholas Nico Niklas Nikolaus Noah Norbert Norman Oliver Omar Oscar Oskar Otto Pablo Patrick
        Paul Pedro Peter Philip Philipp Pierre Rafael Rainer Ralf Ralph Raymond Reinhard Reinhold
        Richard Robert Roland Rolf Roman Ronald Rory Rudolf Rupert Russell Samuel Scott Sean
        Sebastian Siegfried Simon Stanley Stefan Stephan Stephen Steven Stuart Sven Tariq Terence
        Theo Theodor Theodore Thilo Thomas Thorsten Tim Timothy Tobias Tom Tomas Torsten Trevor
        Udo Ulf Ulrich Uwe Valentin Victor Viktor Vincent Volker Waldemar Walter Werner Wilfried
        Wilhelm William Winfried Wolfgang Wolfram Xaver Yusuf Zachary",
    )
});

/// Names of women and of men.
static EITHER: Words = LazyLock::new(|| {
    words(
        "Alex Andy Ashley Chris Jamie Jesse Jordan Kim Kit Leslie Lee Robin Sam Sascha Terry Toni",
    )
});

/// Given names that are everyday words, too: alone they are no name.
static EVERYDAY: Words = LazyLock::new(|| {
    words(
        "April Art August Autumn Bill Bob Chase Dean Dick Drew Faith Frank Gene Grace Grant Guy Hope
        Jack Jim Joy June Ken Mark May Mike Nick Pat Ray Rich Rob Rose Ruby Summer Sue Ted Tony
        Violet Will Hazel Ivy Olive Lily",
    )
});

/// Capitalised words that are no part of a name.
static NO_NAME: Words = LazyLock::new(|| {
    words(
        "A About According Account Act Addendum Address After Agent Agreement All Also Although Am
        An Amendment And Annex Any Apartment Appendix Are Article As At Attachment Avenue Bank Based
        Because Before Best Both Board Building But By Buyer Can Case Certificate Chapter City
        Clause Client Clinic Committee Company Contract Contractor Copy Council Court Customer Date
        Dated Dear Deposit Did Director Do Doctor During Each Either Email Employee Employer
        Enclosure England Every Exhibit Fax Figure First Following For From Further Given He Her
        Here His Hospital How However I If In Insurance Invoice It Its Item Judge Kind Landlord
        Last Later Lease Lender Lessee Lessor Letter Licensee Licensor Limited Manager May Meeting
        Minutes Mobile Most My Name Neither New No North Not Note Notice Now Number Of On Once One
        Only Or Our Owner Page Paragraph Part Parties Party Patient Payment Phone Please Plaintiff
        Policy Premises President Purchaser Question Re Ref Reference Regarding Regards Rent Report
        Respondent Road Road Schedule Second Secretary Section Seller She Should Signature Signed
        Since Sincerely Sir Sirs Madam So Some South State Street Subject Such Summary Supplier
        Table Tel Telephone Tenant Term Than Thank Thanks That The Their Then There These They
        Third This Those Though Thus To Today Together Treatment Under Unless Until Upon We Were
        What When Where Whereas Which While Who Why Will Witness With Would Yes You Your Yours East
        West Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April
        June July August September October November December Faithfully Truly Warm Very Team
        Colleague Colleagues Friend Friends Customers Mr Mrs Ms Miss Dr Prof Herr Frau Herrn Person
        Organisation Fall Abteilung Aber Alle Als Also Am An Anlage Auch Auf Aus Bei Beide Betreff
        Bis Bitte Da Damit Dann Das Dass Dem Den Der Des Die Dies Diese Dieser Doch Durch Ein Eine
        Einem Einen Einer Er Es Falls Für Gegen Geehrte Geehrter Gesellschaft Gruß Grüße Grüßen
        Haben Hat Hier Ich Ihr Ihre Ihrem Ihren Ihrer Ihnen Im Ist Kann Kläger Klägerin Beklagte
        Beklagter Kunde Kundin Liebe Lieber Mieter Mieterin Miete Mietvertrag Mit Nach Nein Nicht
        Noch Nun Nur Ob Oder Ohne Patient Patientin Sehr Seit Seite Sie Sind So Sollte Tag Telefon
        Über Um Und Uns Unser Unsere Unter Vermieter Vermieterin Vertrag Vom Von Vor War Was Wegen
        Wenn Wer Wie Wir Wird Wo Zu Zum Zur Zwischen Januar Februar März Mai Juni Juli Oktober
        Dezember Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag Hochachtungsvoll
        Freundlichen Freundliche Herzlichen Herzliche",
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
        "name patient tenant landlord client customer lessee lessor buyer seller employee employer
        witness claimant defendant plaintiff applicant insured borrower lender guarantor surveyor
        consultant gp physician surgeon nurse author from to cc attendees signed contact mother
        father husband wife guardian carer mieter mieterin vermieter vermieterin patientin kunde
        kundin klägerin kläger beklagte beklagter arzt ärztin zeuge zeugin vorname nachname von an
        ansprechpartner ansprechpartnerin hausarzt hausärztin versicherter versicherte",
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
